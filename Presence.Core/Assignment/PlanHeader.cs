namespace Presence.Core.Assignment;

/// <summary>
/// A plan as a whole, in the control log under <c>plan</c>; the last record of its transaction.
/// <code>
/// version(1)=1 | number(8) | at(8) | planner | deputies(2) | stages(2): name partitions(4) | reasons(2)   little endian, texts with length
/// </code>
/// </summary>
/// <param name="Number">Counts plans; one more than the last.</param>
/// <param name="At">Wall clock of the planner, ms.</param>
/// <param name="Planner">The instance that made it.</param>
/// <param name="Deputies">Incarnations that take the planner's role over when it is silent, in this order.</param>
/// <param name="Stages">The stages of the application and their partition counts.</param>
/// <param name="Reasons">What changed and why, for people.</param>
public sealed record PlanHeader(long Number, long At, string Planner, IReadOnlyList<string> Deputies, IReadOnlyList<StageShape> Stages, IReadOnlyList<string> Reasons)
{
    private const byte Version = 1;
    internal const string KeyText = "plan";

    /// <summary>The control record's key.</summary>
    public static byte[] Key() => "plan"u8.ToArray();

    /// <summary>The control record's value.</summary>
    public byte[] Value()
    {
        using MemoryStream stream = new();
        using BinaryWriter to = new(stream);
        to.Write(Version);
        to.Write(Number);
        to.Write(At);
        to.Write(Planner);
        WriteAll(to, Deputies);
        to.Write(checked((ushort)Stages.Count));
        foreach (StageShape stage in Stages)
        {
            to.Write(stage.Stage);
            to.Write(stage.Partitions);
        }

        WriteAll(to, Reasons);
        to.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads a control record's value; null when a newer version wrote it.</summary>
    public static PlanHeader? Read(ReadOnlySpan<byte> value)
    {
        using BinaryReader from = new(new MemoryStream(value.ToArray()));
        if (from.ReadByte() != Version)
            return null;
        long number = from.ReadInt64(), at = from.ReadInt64();
        string planner = from.ReadString();
        string[] deputies = ReadAll(from);
        StageShape[] stages = new StageShape[from.ReadUInt16()];
        for (int i = 0; i < stages.Length; i++)
            stages[i] = new StageShape(from.ReadString(), from.ReadInt32());
        return new PlanHeader(number, at, planner, deputies, stages, ReadAll(from));
    }

    private static void WriteAll(BinaryWriter to, IReadOnlyList<string> texts)
    {
        to.Write(checked((ushort)texts.Count));
        foreach (string text in texts)
            to.Write(text);
    }

    private static string[] ReadAll(BinaryReader from)
    {
        string[] texts = new string[from.ReadUInt16()];
        for (int i = 0; i < texts.Length; i++)
            texts[i] = from.ReadString();
        return texts;
    }
}
