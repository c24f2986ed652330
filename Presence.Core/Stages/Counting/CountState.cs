namespace Presence.Core.Stages.Counting;

/// <summary>
/// The count of one business and contact.
/// <code>
/// version(1)=1 | count(8) lastAt(8) lastVisit(text) baseAsOf(8) | times(2) time(8)*
/// </code>
/// lastAt, baseAsOf: ms, long.MinValue for none. times: those of the counted walk-ins of the last Rearm + LoginWait + LateGrace.
/// </summary>
internal sealed class CountState
{
    /// <summary>Times kept; with the smallest Rearm more could count, and the oldest goes.</summary>
    public const int TimesMax = 1000;

    private const byte Version = 1;

    public long Count { get; set; }

    public long LastAt { get; set; } = long.MinValue;

    public byte[] LastVisit { get; set; } = [];

    public long BaseAsOf { get; set; } = long.MinValue;

    public List<long> Times { get; } = [];

    public static CountState Read(ReadOnlySpan<byte> value)
    {
        StateReader reader = new(value, Version);
        CountState state = new() { Count = reader.Int64(), LastAt = reader.Int64(), LastVisit = reader.Text(), BaseAsOf = reader.Int64() };
        int times = reader.Int16();
        for (int i = 0; i < times; i++)
            state.Times.Add(reader.Int64());
        return state;
    }

    public void Write(StateWriter writer)
    {
        writer.Reset(Version);
        writer.Int64(Count);
        writer.Int64(LastAt);
        writer.Text(LastVisit);
        writer.Int64(BaseAsOf);
        writer.Int16(Times.Count);
        foreach (long time in Times)
            writer.Int64(time);
    }
}
