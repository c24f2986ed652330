using System.Buffers.Binary;
using System.Text;
using Presence.Core.Log;

namespace Presence.Host.Embedded;

/// <summary>
/// Keys and values in the embedded log's database; numbers big endian, so that byte order is their order:
/// <code>
/// 'T' name                                  -> topic as JSON
/// 'P' topic(4) partition(4)                 -> start(8) end(8)
/// 'R' topic(4) partition(4) offset(8)       -> record: version(1)=1 flags(1) timestamp(8) keyLength(4) headersLength(4) key headers value
/// 'G' group 0 topic(4) partition(4)         -> offset(8)
/// </code>
/// flags: 1 has a key, 2 has a value. headers: per header nameLength(4) name valueLength(4) value.
/// Only committed records are ever written; commit markers leave a gap in the offsets.
/// </summary>
internal static class EmbeddedKeys
{
    public const int RecordKeyLength = 17;
    public const int RecordHeader = 18;
    private const byte Version = 1;

    public static byte[] Topic(string name) => [(byte)'T', .. Encoding.UTF8.GetBytes(name)];

    public static byte[] Partition(int topic, int partition)
    {
        byte[] key = new byte[9];
        key[0] = (byte)'P';
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(1), topic);
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(5), partition);
        return key;
    }

    public static byte[] Group(string group, int topic, int partition)
    {
        byte[] name = Encoding.UTF8.GetBytes(group);
        byte[] key = new byte[name.Length + 10];
        key[0] = (byte)'G';
        name.CopyTo(key, 1);
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(name.Length + 2), topic);
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(name.Length + 6), partition);
        return key;
    }

    public static void WriteRecordKey(Span<byte> key, int topic, int partition, long offset)
    {
        key[0] = (byte)'R';
        BinaryPrimitives.WriteInt32BigEndian(key[1..], topic);
        BinaryPrimitives.WriteInt32BigEndian(key[5..], partition);
        BinaryPrimitives.WriteInt64BigEndian(key[9..], offset);
    }

    public static long OffsetOf(ReadOnlySpan<byte> recordKey) => BinaryPrimitives.ReadInt64BigEndian(recordKey[9..]);

    public static byte[] EncodeRecord(ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers)
    {
        int headersLength = 0;
        foreach (RecordHeader header in headers)
            headersLength += 8 + Encoding.UTF8.GetByteCount(header.Name) + header.Value.Length;
        byte[] bytes = new byte[RecordHeader + key.Length + headersLength + value.Length];
        bytes[0] = Version;
        bytes[1] = (byte)((hasKey ? 1 : 0) | (hasValue ? 2 : 0));
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(2), timestamp);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(10), key.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(14), headersLength);
        Span<byte> at = bytes.AsSpan(RecordHeader);
        key.CopyTo(at);
        at = at[key.Length..];
        foreach (RecordHeader header in headers)
        {
            int name = Encoding.UTF8.GetBytes(header.Name, at[4..]);
            BinaryPrimitives.WriteInt32BigEndian(at, name);
            at = at[(4 + name)..];
            BinaryPrimitives.WriteInt32BigEndian(at, header.Value.Length);
            header.Value.CopyTo(at[4..]);
            at = at[(4 + header.Value.Length)..];
        }

        value.CopyTo(at);
        return bytes;
    }

    public static LogRecord DecodeRecord(long offset, ReadOnlySpan<byte> bytes)
    {
        int key = BinaryPrimitives.ReadInt32BigEndian(bytes[10..]);
        int headers = BinaryPrimitives.ReadInt32BigEndian(bytes[14..]);
        return new LogRecord
        {
            Offset = offset,
            Timestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
            Key = bytes.Slice(RecordHeader, key),
            HasKey = (bytes[1] & 1) != 0,
            Value = bytes[(RecordHeader + key + headers)..],
            HasValue = (bytes[1] & 2) != 0,
        };
    }

    public static byte[] Positions(long start, long end)
    {
        byte[] bytes = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, start);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(8), end);
        return bytes;
    }
}
