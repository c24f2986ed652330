using System.Text;
using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>
/// The state of an incarnation as it says itself, again and again: each one is a heartbeat as well. Key: the
/// incarnation. A lost one does no harm.
/// <code>
/// version(1)=1 | sequence(8) | instance | rack | endpoint | state(1) | workers(2) | appliedPlan(8)
/// | stages(2): name partitions(4) | copies(4): stage index(2) partition(4) state(1) offset(8)   little endian, texts with length
/// </code>
/// </summary>
/// <param name="Incarnation">Its id.</param>
/// <param name="Sequence">Counts its beats: an earlier one may come later, or twice.</param>
/// <param name="Instance">The instance it is a life of.</param>
/// <param name="Rack">Failure zone; may be empty.</param>
/// <param name="Endpoint">Where its page is; may be empty.</param>
/// <param name="State">What becomes of it.</param>
/// <param name="Workers">Number of its workers; its transactional ids follow from it.</param>
/// <param name="AppliedPlan">Number of the last plan it has read: what it holds is not older than that.</param>
/// <param name="Stages">What it can run.</param>
/// <param name="Copies">Every copy of a task's state it has.</param>
public sealed record Announcement(
    string Incarnation,
    long Sequence,
    string Instance,
    string Rack,
    string Endpoint,
    MemberState State,
    int Workers,
    long AppliedPlan,
    IReadOnlyList<StageShape> Stages,
    IReadOnlyList<AnnouncedCopy> Copies)
{
    private const byte Version = 1;

    /// <summary>Whether it says more than the one before it of the same incarnation, apart from how far its copies are.</summary>
    public bool IsNewsAfter(Announcement before)
    {
        if (State != before.State || AppliedPlan != before.AppliedPlan || Copies.Count != before.Copies.Count || !Stages.SequenceEqual(before.Stages))
            return true;
        for (int i = 0; i < Copies.Count; i++)
        {
            if (Copies[i].Task != before.Copies[i].Task || Copies[i].State != before.Copies[i].State)
                return true;
        }

        return false;
    }

    /// <summary>The record's key.</summary>
    public byte[] Key() => Encoding.UTF8.GetBytes(Incarnation);

    /// <summary>The record's value.</summary>
    public byte[] Value()
    {
        using MemoryStream stream = new();
        using BinaryWriter to = new(stream);
        to.Write(Version);
        to.Write(Sequence);
        to.Write(Instance);
        to.Write(Rack);
        to.Write(Endpoint);
        to.Write((byte)State);
        to.Write(checked((ushort)Workers));
        to.Write(AppliedPlan);
        List<string> names = [.. Stages.Select(s => s.Stage).Concat(Copies.Select(c => c.Task.Stage)).Distinct()];
        to.Write(checked((ushort)names.Count));
        foreach (string name in names)
        {
            to.Write(name);
            to.Write(Stages.FirstOrDefault(s => s.Stage == name).Partitions);
        }

        to.Write(Copies.Count);
        foreach (AnnouncedCopy copy in Copies)
        {
            to.Write((ushort)names.IndexOf(copy.Task.Stage));
            to.Write(copy.Task.Partition);
            to.Write((byte)copy.State);
            to.Write(copy.ChangelogOffset);
        }

        to.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads a record; null when it cannot be read, as when a newer version wrote it.</summary>
    public static Announcement? Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        try
        {
            using BinaryReader from = new(new MemoryStream(value.ToArray()));
            if (from.ReadByte() != Version)
                return null;
            long sequence = from.ReadInt64();
            string instance = from.ReadString(), rack = from.ReadString(), endpoint = from.ReadString();
            MemberState state = (MemberState)from.ReadByte();
            int workers = from.ReadUInt16();
            long applied = from.ReadInt64();
            StageShape[] stages = new StageShape[from.ReadUInt16()];
            for (int i = 0; i < stages.Length; i++)
                stages[i] = new StageShape(from.ReadString(), from.ReadInt32());
            AnnouncedCopy[] copies = new AnnouncedCopy[from.ReadInt32()];
            for (int i = 0; i < copies.Length; i++)
                copies[i] = new AnnouncedCopy(new TaskId(stages[from.ReadUInt16()].Stage, from.ReadInt32()), (CopyState)from.ReadByte(), from.ReadInt64());
            // A stage without partitions is one it has a copy of but cannot run.
            return new Announcement(Encoding.UTF8.GetString(key), sequence, instance, rack, endpoint, state, workers, applied, [.. stages.Where(s => s.Partitions > 0)], copies);
        }
        catch (Exception e) when (e is EndOfStreamException or IndexOutOfRangeException or OverflowException or DecoderFallbackException or FormatException or OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Its copy of a task's state; null where it has none.</summary>
    public AnnouncedCopy? CopyOf(TaskId task)
    {
        foreach (AnnouncedCopy copy in Copies)
        {
            if (copy.Task == task)
                return copy;
        }

        return null;
    }

    /// <summary>Whether it may run a task.</summary>
    public bool Holds(TaskId task) => CopyOf(task) is { IsHeld: true };
}
