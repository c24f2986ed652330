namespace Presence.Host.Replay;

/// <summary>MAC addresses as device ids: lower case, with colons.</summary>
public static class MacAddress
{
    /// <summary>Takes <c>aa:bb:cc:dd:ee:ff</c>, with hyphens, in Cisco's groups of four, or bare; any case.</summary>
    public static bool TryNormalise(ReadOnlySpan<char> text, out string device, out bool locallyAdministered)
    {
        Span<byte> bytes = stackalloc byte[6];
        int digits = 0;
        device = "";
        locallyAdministered = false;
        foreach (char c in text.Trim())
        {
            if (c is ':' or '-' or '.')
            {
                // Only between whole bytes, so that "1:23:…" is not read shifted.
                if (digits == 0 || digits % 2 != 0)
                    return false;
                continue;
            }

            if (!char.IsAsciiHexDigit(c) || digits == 12)
                return false;
            bytes[digits / 2] = (byte)((bytes[digits / 2] << 4) | HexValue(c));
            digits++;
        }

        if (digits != 12)
            return false;
        device = Format(bytes);
        locallyAdministered = IsLocallyAdministered(bytes);
        return true;
    }

    /// <summary>Six bytes as a device id.</summary>
    public static string Format(ReadOnlySpan<byte> address) =>
        string.Create(17, new Bytes(address[0], address[1], address[2], address[3], address[4], address[5]), static (text, b) =>
        {
            Write(text, 0, b.A);
            Write(text, 3, b.B);
            Write(text, 6, b.C);
            Write(text, 9, b.D);
            Write(text, 12, b.E);
            Write(text, 15, b.F);
            text[2] = text[5] = text[8] = text[11] = text[14] = ':';
        });

    /// <summary>The bit that marks addresses which no manufacturer assigned (IEEE 802, second lowest of the first byte).</summary>
    public static bool IsLocallyAdministered(ReadOnlySpan<byte> address) => (address[0] & 0x02) != 0;

    private static void Write(Span<char> text, int at, byte value)
    {
        const string digits = "0123456789abcdef";
        text[at] = digits[value >> 4];
        text[at + 1] = digits[value & 15];
    }

    private static int HexValue(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

    private readonly record struct Bytes(byte A, byte B, byte C, byte D, byte E, byte F);
}
