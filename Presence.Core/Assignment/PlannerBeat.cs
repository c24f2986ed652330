namespace Presence.Core.Assignment;

/// <summary>
/// The planner's sign of life, in the control log under <c>planner</c>:
/// <code>
/// version(1)=1 | isResigning(1) | at(8) | incarnation | instance   little endian, texts with length
/// </code>
/// </summary>
/// <param name="Incarnation">The incarnation that is the planner.</param>
/// <param name="Instance">Its instance.</param>
/// <param name="At">Its wall clock, ms.</param>
/// <param name="IsResigning">It gives the role up: the first deputy need not wait.</param>
public sealed record PlannerBeat(string Incarnation, string Instance, long At, bool IsResigning)
{
    private const byte Version = 1;
    internal const string KeyText = "planner";

    /// <summary>The control record's key.</summary>
    public static byte[] Key() => "planner"u8.ToArray();

    /// <summary>The control record's value.</summary>
    public byte[] Value()
    {
        using MemoryStream stream = new();
        using BinaryWriter to = new(stream);
        to.Write(Version);
        to.Write(IsResigning);
        to.Write(At);
        to.Write(Incarnation);
        to.Write(Instance);
        to.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads a control record's value; null when a newer version wrote it.</summary>
    public static PlannerBeat? Read(ReadOnlySpan<byte> value)
    {
        using BinaryReader from = new(new MemoryStream(value.ToArray()));
        if (from.ReadByte() != Version)
            return null;
        bool resigning = from.ReadBoolean();
        long at = from.ReadInt64();
        return new PlannerBeat(from.ReadString(), from.ReadString(), at, resigning);
    }
}
