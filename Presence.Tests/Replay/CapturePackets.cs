using System.Buffers.Binary;

namespace Presence.Tests.Replay;

/// <summary>Builds radiotap frames and the files that hold them, byte by byte.</summary>
internal static class CapturePackets
{
    public static byte[] Frame(string mac, int rssi, byte frameControl = 0x40, byte flags = 0, bool hasSignal = true)
    {
        // TSFT (to force alignment), flags, rate, channel, signal.
        uint present = 0b0000_1111 | (hasSignal ? 1u << 5 : 0);
        byte[] frame = new byte[8 + 8 + 2 + 4 + 2 + 24];
        int length = 8 + 8 + 1 + 1 + 4 + (hasSignal ? 1 : 0);
        BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(2), (ushort)length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), present);
        frame[16] = flags;
        frame[17] = 2;
        if (hasSignal)
            frame[22] = (byte)rssi;
        frame[length] = frameControl;
        Convert.FromHexString(mac.Replace(":", "", StringComparison.Ordinal)).CopyTo(frame, length + 10);
        return frame[..(length + 24)];
    }

    public static byte[] Pcap(bool little, bool nano, uint linkType, params (long Ms, byte[] Frame)[] packets)
    {
        using MemoryStream file = new();
        Put(file, nano ? 0xa1b23c4d : 0xa1b2c3d4, little);
        Put(file, little ? 0x00040002u : 0x00020004u, little);
        Put(file, 0, little);
        Put(file, 0, little);
        Put(file, 65535, little);
        Put(file, linkType, little);
        foreach ((long ms, byte[] frame) in packets)
        {
            Put(file, (uint)(ms / 1000), little);
            Put(file, (uint)(ms % 1000 * (nano ? 1_000_000 : 1_000)) + 999, little);
            Put(file, (uint)frame.Length, little);
            Put(file, (uint)frame.Length, little);
            file.Write(frame);
        }

        return file.ToArray();
    }

    public static byte[] PcapNg(bool little, byte? resolution, Func<long, ulong> units, params (long Ms, byte[] Frame)[] packets)
    {
        using MemoryStream file = new();
        using MemoryStream section = new();
        Put(section, 0x1a2b3c4d, little);
        Put(section, little ? 1u : 0x00010000u, little);
        Put(section, uint.MaxValue, little);
        Put(section, uint.MaxValue, little);
        Block(file, 0x0a0d0d0a, section, little);
        using MemoryStream face = new();
        Put(face, little ? 127u : 127u << 16, little);
        Put(face, 0, little);
        if (resolution is { } r)
        {
            Put(face, little ? 9u | (1u << 16) : (9u << 16) | 1u, little);
            face.Write([r, 0, 0, 0]);
            Put(face, 0, little);
        }

        Block(file, 1, face, little);
        using MemoryStream name = new([0, 0, 0, 0]);
        Block(file, 4, name, little); // name resolution: passed over
        foreach ((long ms, byte[] frame) in packets)
        {
            using MemoryStream packet = new();
            ulong at = units(ms);
            Put(packet, 0, little);
            Put(packet, (uint)(at >> 32), little);
            Put(packet, (uint)at, little);
            Put(packet, (uint)frame.Length, little);
            Put(packet, (uint)frame.Length, little);
            packet.Write(frame);
            Block(file, 6, packet, little);
        }

        return file.ToArray();
    }

    private static void Block(MemoryStream file, uint type, MemoryStream body, bool little)
    {
        while (body.Length % 4 != 0)
        {
            body.Position = body.Length;
            body.WriteByte(0);
        }

        Put(file, type, little);
        Put(file, (uint)body.Length + 12, little);
        file.Write(body.ToArray());
        Put(file, (uint)body.Length + 12, little);
    }

    private static void Put(MemoryStream file, uint value, bool little)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (little)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        else
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        file.Write(bytes);
    }
}
