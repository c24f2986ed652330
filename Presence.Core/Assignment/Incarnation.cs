using System.Buffers.Binary;
using System.Text;

namespace Presence.Core.Assignment;

/// <summary>
/// One life of an instance, as the control log holds it under the key <c>incarnation/&lt;id&gt;</c> until it has ended:
/// <code>
/// version(1)=1 | workers(2) | startedAt(8) | instanceId(UTF-8, rest)   little endian
/// </code>
/// Its transactional ids follow from it, so whoever reads it can fence it.
/// </summary>
/// <param name="Id">Random text.</param>
/// <param name="InstanceId">The instance it is a life of.</param>
/// <param name="Workers">Number of its workers.</param>
/// <param name="StartedAt">Wall clock, ms.</param>
public sealed record Incarnation(string Id, string InstanceId, int Workers, long StartedAt)
{
    private const byte Version = 1;
    private const int Header = 11;
    private const string KeyPrefix = "incarnation/";

    /// <summary>A new life.</summary>
    public static Incarnation Begin(string id, string instanceId, int workers, long now) => new(id, instanceId, workers, now);

    /// <summary>The transactional id of a worker.</summary>
    public string TransactionalId(string application, int worker) => $"{application}-{Id}-{worker}";

    /// <summary>The control record's key.</summary>
    public byte[] Key() => Encoding.UTF8.GetBytes(KeyPrefix + Id);

    /// <summary>The control record's value.</summary>
    public byte[] Value()
    {
        byte[] bytes = new byte[Header + Encoding.UTF8.GetByteCount(InstanceId)];
        bytes[0] = Version;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(1), checked((ushort)Workers));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(3), StartedAt);
        Encoding.UTF8.GetBytes(InstanceId, bytes.AsSpan(Header));
        return bytes;
    }

    /// <summary>The id in a control record's key; null for other records.</summary>
    public static string? IdOf(ReadOnlySpan<byte> key)
    {
        string text = Encoding.UTF8.GetString(key);
        return text.StartsWith(KeyPrefix, StringComparison.Ordinal) ? text[KeyPrefix.Length..] : null;
    }

    /// <summary>Reads a control record's value; null when a newer version wrote it.</summary>
    public static Incarnation? Read(string id, ReadOnlySpan<byte> value) =>
        value.Length < Header || value[0] != Version
            ? null
            : new Incarnation(
                id,
                Encoding.UTF8.GetString(value[Header..]),
                BinaryPrimitives.ReadUInt16LittleEndian(value[1..]),
                BinaryPrimitives.ReadInt64LittleEndian(value[3..]));
}
