using System.Buffers.Binary;
using System.Text;

namespace Presence.Core.Assignment;

/// <summary>
/// One life of an instance, as the control log holds it under the key <c>incarnation/&lt;id&gt;</c> from before it is
/// given its first task until it has been fenced or has ended:
/// <code>
/// version(1)=2 | state(1) | workers(2) | since(8) | instance, reason: texts with length   little endian
/// </code>
/// Its transactional ids follow from it, so whoever reads it can fence it.
/// </summary>
/// <param name="Id">Random text.</param>
/// <param name="InstanceId">The instance it is a life of.</param>
/// <param name="Workers">Number of its workers.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Since">Wall clock of the planner that wrote it, ms.</param>
/// <param name="Reason">Why it is condemned or refused; empty otherwise.</param>
public sealed record Incarnation(string Id, string InstanceId, int Workers, IncarnationState State, long Since, string Reason = "")
{
    private const byte Version = 2;
    internal const string KeyPrefix = "incarnation/";

    /// <summary>The transactional id of a worker.</summary>
    public string TransactionalId(string application, int worker) => TransactionalId(application, Id, worker);

    /// <summary>The transactional id of a worker of an incarnation.</summary>
    public static string TransactionalId(string application, string incarnation, int worker) => $"{application}-{incarnation}-{worker}";

    /// <summary>The control record's key.</summary>
    public byte[] Key() => Encoding.UTF8.GetBytes(KeyPrefix + Id);

    /// <summary>The control record's value.</summary>
    public byte[] Value()
    {
        using MemoryStream stream = new();
        using BinaryWriter to = new(stream);
        to.Write(Version);
        to.Write((byte)State);
        to.Write(checked((ushort)Workers));
        to.Write(Since);
        to.Write(InstanceId);
        to.Write(Reason);
        to.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads a control record's value; null when a newer version wrote it.</summary>
    public static Incarnation? Read(string id, ReadOnlySpan<byte> value)
    {
        if (value.Length > 11 && value[0] == 1)
        {
            // The first version: workers(2) startedAt(8) instance(rest).
            return new Incarnation(id, Encoding.UTF8.GetString(value[11..]), BinaryPrimitives.ReadUInt16LittleEndian(value[1..]), IncarnationState.Live, BinaryPrimitives.ReadInt64LittleEndian(value[3..]));
        }

        using BinaryReader from = new(new MemoryStream(value.ToArray()));
        if (value.Length < 14 || from.ReadByte() != Version)
            return null;
        IncarnationState state = (IncarnationState)from.ReadByte();
        int workers = from.ReadUInt16();
        long since = from.ReadInt64();
        return new Incarnation(id, from.ReadString(), workers, state, since, from.ReadString());
    }
}
