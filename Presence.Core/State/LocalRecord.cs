using System.Buffers.Binary;
using System.Text;

namespace Presence.Core.State;

/// <summary>
/// How far a copy of a store is; written in the same batch as the entries it speaks of, never to the changelog:
/// <code>
/// version(1)=1 | changelogOffset(8) | currentAt(8) | topicId(UTF-8, rest)   little endian
/// </code>
/// </summary>
/// <param name="ChangelogOffset">Next changelog offset to apply.</param>
/// <param name="CurrentAt">Wall clock, ms, when the copy was last known to be at the changelog's end; 0 never.</param>
/// <param name="TopicId">Identity of the changelog topic.</param>
public readonly record struct LocalRecord(long ChangelogOffset, long CurrentAt, string TopicId)
{
    private const byte Version = 1;
    private const int Header = 17;

    /// <summary>Encoded bytes, for <see cref="Update"/> and the store.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Header + Encoding.UTF8.GetByteCount(TopicId)];
        bytes[0] = Version;
        Update(bytes, ChangelogOffset, CurrentAt);
        Encoding.UTF8.GetBytes(TopicId, bytes.AsSpan(Header));
        return bytes;
    }

    /// <summary>Changes offset and time in encoded bytes.</summary>
    public static void Update(Span<byte> bytes, long changelogOffset, long currentAt)
    {
        BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], changelogOffset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[9..], currentAt);
    }

    /// <summary>Reads a record. Throws <see cref="StoreException"/> (corruption) for other bytes.</summary>
    public static LocalRecord Read(ReadOnlySpan<byte> source)
    {
        if (source.Length < Header || source[0] != Version)
            throw new StoreException($"The local record has {source.Length} bytes, version {(source.Length > 0 ? source[0] : -1)}; expected version {Version}.", isCorruption: true);
        return new LocalRecord(
            BinaryPrimitives.ReadInt64LittleEndian(source[1..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[9..]),
            Encoding.UTF8.GetString(source[Header..]));
    }
}
