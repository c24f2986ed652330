using System.Text;
using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>
/// What a plan says of one incarnation; in the control log under <c>share/&lt;incarnation&gt;</c>:
/// <code>
/// version(1)=1 | number(8) | entries(4): stage partition(4) role(1) worker(2)   little endian, texts with length
/// </code>
/// </summary>
/// <param name="Incarnation">Whose.</param>
/// <param name="Number">Number of the plan that last changed it.</param>
/// <param name="Entries">Its placements.</param>
public sealed record PlanShare(string Incarnation, long Number, IReadOnlyList<Placement> Entries)
{
    private const byte Version = 1;
    internal const string KeyPrefix = "share/";

    /// <summary>The control record's key.</summary>
    public static byte[] KeyOf(string incarnation) => Encoding.UTF8.GetBytes(KeyPrefix + incarnation);

    /// <summary>The control record's value.</summary>
    public byte[] Value()
    {
        using MemoryStream stream = new();
        using BinaryWriter to = new(stream);
        to.Write(Version);
        to.Write(Number);
        to.Write(Entries.Count);
        foreach (Placement entry in Entries)
        {
            to.Write(entry.Task.Stage);
            to.Write(entry.Task.Partition);
            to.Write((byte)entry.Role);
            to.Write(checked((ushort)entry.Worker));
        }

        to.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads a control record's value; null when a newer version wrote it.</summary>
    public static PlanShare? Read(string incarnation, ReadOnlySpan<byte> value)
    {
        using BinaryReader from = new(new MemoryStream(value.ToArray()));
        if (from.ReadByte() != Version)
            return null;
        long number = from.ReadInt64();
        Placement[] entries = new Placement[from.ReadInt32()];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = new Placement(new TaskId(from.ReadString(), from.ReadInt32()), incarnation, (ReplicaRole)from.ReadByte(), from.ReadUInt16());
        return new PlanShare(incarnation, number, entries);
    }
}
