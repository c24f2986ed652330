using System.Buffers.Binary;

namespace Presence.Host.Replay;

/// <summary>
/// A capture in the classic pcap format, either byte order, times in micro- or nanoseconds:
/// <code>
/// file:   magic 4 | version 2+2 | zone 4 | accuracy 4 | snap length 4 | link type 4 (low 16 bits)
/// packet: seconds 4 | fraction 4 | captured length 4 | original length 4 | bytes
/// </code>
/// </summary>
internal static class PcapCapture
{
    /// <summary>A longer packet is damage: no radio frame comes near it.</summary>
    internal const int PacketBytesMax = 256 * 1024;

    private const uint Micro = 0xa1b2c3d4;
    private const uint Nano = 0xa1b23c4d;

    /// <summary>Whether a file begins like this format.</summary>
    public static bool IsMagic(ReadOnlySpan<byte> start) =>
        start.Length >= 4 && (BinaryPrimitives.ReadUInt32LittleEndian(start) is Micro or Nano || BinaryPrimitives.ReadUInt32BigEndian(start) is Micro or Nano);

    /// <summary>Reads the frames one by one. Throws <see cref="CaptureException"/> where it cannot go on.</summary>
    public static IEnumerable<CapturedProbe> Read(Stream stream, string accessPoint, CaptureReport report)
    {
        byte[] header = new byte[24];
        if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
            throw new CaptureException($"{report.File}: the pcap header is cut off.");
        bool isLittle = BinaryPrimitives.ReadUInt32LittleEndian(header) is Micro or Nano;
        long fractionsPerMs = Number(header, 0, isLittle) == Nano ? 1_000_000 : 1_000;
        uint linkType = Number(header, 20, isLittle) & 0xffff;
        if (linkType != ProbeRequestFrame.LinkType)
            throw new CaptureException($"{report.File}: link type {linkType}; only 127 (802.11 with radiotap headers, from an interface in monitor mode) tells the signal strength.");

        byte[] packetHeader = new byte[16];
        byte[] packet = new byte[4096];
        long offset = header.Length;
        while (true)
        {
            int got = stream.ReadAtLeast(packetHeader, packetHeader.Length, throwOnEndOfStream: false);
            if (got == 0)
                yield break;
            uint length = got < packetHeader.Length ? 0 : Number(packetHeader, 8, isLittle);
            if (length > PacketBytesMax)
                throw new CaptureException($"{report.File}, byte {offset}: a packet of {length} bytes cannot be; the file is damaged from here on.");
            if (packet.Length < length)
                packet = new byte[length];
            if (got < packetHeader.Length || stream.ReadAtLeast(packet.AsSpan(0, (int)length), (int)length, throwOnEndOfStream: false) < length)
            {
                report.Note = $"the file ends within a packet (at byte {offset}), as it does when a capture is interrupted";
                yield break;
            }

            offset += packetHeader.Length + length;
            long at = (Number(packetHeader, 0, isLittle) * 1000L) + (Number(packetHeader, 4, isLittle) / fractionsPerMs);
            if (ProbeRequestFrame.TryRead(packet.AsSpan(0, (int)length), at, accessPoint, report, out CapturedProbe probe))
                yield return probe;
        }
    }

    private static uint Number(byte[] bytes, int at, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at)) : BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));
}
