using System.Buffers.Binary;

namespace Presence.Host.Replay;

/// <summary>
/// A capture in the pcapng format: blocks of type 4 | total length 4 | body | total length 4. Sections (either byte
/// order), interfaces with their time resolution, and enhanced packets are read; other blocks are passed over.
/// </summary>
internal static class PcapNgCapture
{
    private const uint SectionHeader = 0x0a0d0d0a;
    private const uint ByteOrderMagic = 0x1a2b3c4d;
    private const uint InterfaceDescription = 1;
    private const uint EnhancedPacket = 6;
    private const int BlockBytesMax = 16 * 1024 * 1024;
    private const int InterfacesMax = 4096;

    /// <summary>Whether a file begins like this format.</summary>
    public static bool IsMagic(ReadOnlySpan<byte> start) => start.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(start) == SectionHeader;

    /// <summary>Reads the frames one by one. Throws <see cref="CaptureException"/> where it cannot go on.</summary>
    public static IEnumerable<CapturedProbe> Read(Stream stream, string accessPoint, CaptureReport report)
    {
        List<Interface> interfaces = [];
        bool isLittle = true;
        byte[] head = new byte[12];
        byte[] body = new byte[4096];
        long offset = 0;
        while (true)
        {
            int got = stream.ReadAtLeast(head.AsSpan(0, 8), 8, throwOnEndOfStream: false);
            if (got == 0)
                yield break;
            int read = 8;
            bool isSection = got == 8 && BinaryPrimitives.ReadUInt32LittleEndian(head) == SectionHeader;
            if (isSection)
            {
                // Only the next four bytes tell in which order the length stands.
                got += stream.ReadAtLeast(head.AsSpan(8, 4), 4, throwOnEndOfStream: false);
                read = 12;
                isLittle = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(8)) == ByteOrderMagic;
                if (got == 12 && !isLittle && BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8)) != ByteOrderMagic)
                    throw new CaptureException($"{report.File}, byte {offset}: a pcapng section without its byte-order mark; the file is damaged from here on.");
                interfaces.Clear();
            }

            uint type = got < read ? 0 : Number(head, 0, isLittle);
            uint total = got < read ? 12 : Number(head, 4, isLittle);
            if (total < read + 4 || total % 4 != 0 || total > BlockBytesMax)
            {
                if (got == read)
                    throw new CaptureException($"{report.File}, byte {offset}: a pcapng block of {total} bytes cannot be; the file is damaged from here on.");
            }

            int length = (int)total - read;
            if (body.Length < length)
                body = new byte[length];
            if (got < read || stream.ReadAtLeast(body.AsSpan(0, length), length, throwOnEndOfStream: false) < length)
            {
                report.Note = $"the file ends within a block (at byte {offset}), as it does when a capture is interrupted";
                yield break;
            }

            offset += total;
            if (type == InterfaceDescription)
            {
                if (interfaces.Count == InterfacesMax)
                    throw new CaptureException($"{report.File}: more than {InterfacesMax} interfaces in one section; the file is damaged.");
                interfaces.Add(Interface.Read(body.AsSpan(0, length - 4), isLittle));
            }
            else if (type == EnhancedPacket && TryPacket(body.AsSpan(0, length - 4), isLittle, interfaces, accessPoint, report, out CapturedProbe probe))
            {
                yield return probe;
            }
        }
    }

    private static bool TryPacket(ReadOnlySpan<byte> body, bool isLittle, List<Interface> interfaces, string accessPoint, CaptureReport report, out CapturedProbe probe)
    {
        probe = default;
        uint number = body.Length < 20 ? uint.MaxValue : Number(body, 0, isLittle);
        uint captured = body.Length < 20 ? 0 : Number(body, 12, isLittle);
        if (number >= interfaces.Count || captured > body.Length - 20)
        {
            report.CountRow();
            report.Skip(CaptureSkip.Malformed, $"frame {report.Rows}", "the packet block is malformed or names an interface that is not described");
            return false;
        }

        Interface on = interfaces[(int)number];
        if (on.LinkType != ProbeRequestFrame.LinkType)
            throw new CaptureException($"{report.File}: interface {number} has link type {on.LinkType}; only 127 (802.11 with radiotap headers, from an interface in monitor mode) tells the signal strength.");
        ulong units = ((ulong)Number(body, 4, isLittle) << 32) | Number(body, 8, isLittle);
        return ProbeRequestFrame.TryRead(body.Slice(20, (int)captured), on.Milliseconds(units), accessPoint, report, out probe);
    }

    private static uint Number(ReadOnlySpan<byte> bytes, int at, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    // unitsPerSecond: from option if_tsresol, 10^6 where it is absent; offset: if_tsoffset, seconds.
    private sealed record Interface(int LinkType, UInt128 UnitsPerSecond, long OffsetSeconds)
    {
        private const int Resolution = 9;
        private const int Offset = 14;

        public static Interface Read(ReadOnlySpan<byte> body, bool isLittle)
        {
            if (body.Length < 8)
                return new Interface(-1, 1_000_000, 0);
            int linkType = Short(body, 0, isLittle);
            UInt128 units = 1_000_000;
            long offset = 0;
            int at = 8;
            while (at + 4 <= body.Length)
            {
                int code = Short(body, at, isLittle), length = Short(body, at + 2, isLittle);
                at += 4;
                if (code == 0 || at + length > body.Length)
                    break;
                if (code == Resolution && length == 1)
                    units = Units(body[at]);
                else if (code == Offset && length == 8)
                    offset = isLittle ? BinaryPrimitives.ReadInt64LittleEndian(body[at..]) : BinaryPrimitives.ReadInt64BigEndian(body[at..]);
                at += (length + 3) / 4 * 4;
            }

            return new Interface(linkType, units, offset);
        }

        public long Milliseconds(ulong units)
        {
            UInt128 ms = (UInt128)units * 1000 / UnitsPerSecond;
            return ms > long.MaxValue / 2 || OffsetSeconds is > 4_200_000_000 or < -4_200_000_000 ? -1 : (long)ms + (OffsetSeconds * 1000);
        }

        // The highest bit: a power of two, not of ten.
        private static UInt128 Units(byte resolution)
        {
            int exponent = Math.Min(resolution & 0x7f, (resolution & 0x80) != 0 ? 63 : 19);
            UInt128 units = 1;
            for (int i = 0; i < exponent; i++)
                units *= (resolution & 0x80) != 0 ? 2u : 10u;
            return units;
        }

        private static int Short(ReadOnlySpan<byte> bytes, int at, bool isLittle) =>
            isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
    }
}
