using System.Buffers.Binary;

namespace Presence.Host.Replay;

/// <summary>
/// The header that a receiver puts before an 802.11 frame (radiotap.org): version, length, one or more words that say
/// which fields are present, then the fields in the order of their bits, each aligned to its own size.
/// </summary>
internal static class Radiotap
{
    private const int Flags = 1;
    private const int AntennaSignal = 5;
    private const int RadiotapNamespace = 29;
    private const int VendorNamespace = 30;
    private const int MoreWords = 31;

    // Alignment and size of the fields by bit; 0 ends what is known. Everything after an unknown field is out of reach.
    private static ReadOnlySpan<byte> Alignment => [8, 1, 1, 2, 2, 1, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 1, 1, 4, 1, 4, 2, 8, 2, 2, 2, 4, 2];

    private static ReadOnlySpan<byte> Size => [8, 1, 1, 4, 2, 1, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 1, 1, 8, 3, 8, 12, 12, 12, 12, 6, 4, 4];

    /// <summary>
    /// Reads the header. <paramref name="signal"/>: the first antenna signal in dBm, null when there is none;
    /// <paramref name="isDamaged"/>: the frame failed its checksum. False when it is no radiotap header.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> frame, out int length, out int? signal, out bool isDamaged)
    {
        length = 0;
        signal = null;
        isDamaged = false;
        if (frame.Length < 8 || frame[0] != 0)
            return false;
        length = BinaryPrimitives.ReadUInt16LittleEndian(frame[2..]);
        if (length < 8 || length > frame.Length)
            return false;

        ReadOnlySpan<byte> header = frame[..length];
        int words = 1;
        while ((Word(header, words - 1) & (1u << MoreWords)) != 0)
        {
            words++;
            if (4 + (words * 4) > length)
                return false;
        }

        int at = 4 + (words * 4);
        for (int word = 0; word < words; word++)
        {
            // The first word, and each after one that says so, begins the known fields anew (one set per antenna).
            uint present = Word(header, word);
            if (word > 0 && (Word(header, word - 1) & (1u << RadiotapNamespace)) == 0)
                return true;
            for (int bit = 0; bit < RadiotapNamespace; bit++)
            {
                if ((present & (1u << bit)) == 0)
                    continue;
                if (bit >= Size.Length)
                    return true;
                at = (at + Alignment[bit] - 1) / Alignment[bit] * Alignment[bit];
                if (at + Size[bit] > length)
                    return false;
                if (bit == Flags)
                    isDamaged = (header[at] & 0x40) != 0;
                else if (bit == AntennaSignal)
                    signal ??= (sbyte)header[at];
                at += Size[bit];
            }

            if ((present & (1u << VendorNamespace)) != 0)
                return true;
        }

        return true;
    }

    private static uint Word(ReadOnlySpan<byte> header, int index) => BinaryPrimitives.ReadUInt32LittleEndian(header[(4 + (index * 4))..]);
}
