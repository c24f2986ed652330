namespace Presence.Core.Stages.Counting;

/// <summary>
/// The count of one business and contact. One instance is loaded again and again.
/// <code>
/// version(1)=1 | count(8) lastAt(8) lastVisit(text) baseAsOf(8) | times(2) time(8)*
/// </code>
/// lastAt, baseAsOf: ms, long.MinValue for none. times: those of the counted walk-ins of the last Rearm + LoginWait +
/// LateGrace. A base count is a state that has nothing but count and baseAsOf.
/// </summary>
internal sealed class CountState
{
    /// <summary>Times kept; with the smallest Rearm more could count, and the earliest goes.</summary>
    public const int TimesMax = 1000;

    private const byte Version = 1;

    public StateTexts Texts { get; } = new();

    public long Count { get; set; }

    public long LastAt { get; set; }

    public TextRange LastVisit { get; set; }

    /// <summary>Walk-ins first seen by then are in the count already.</summary>
    public long BaseAsOf { get; set; }

    public List<long> Times { get; } = [];

    /// <summary>Adds the time of a counted walk-in and drops those before <paramref name="from"/>.</summary>
    public void AddTime(long at, long from)
    {
        Times.Add(at);
        for (int i = Times.Count - 1; i >= 0; i--)
        {
            if (Times[i] < from)
                Times.RemoveAt(i);
        }

        if (Times.Count <= TimesMax)
            return;
        int earliest = 0;
        for (int i = 1; i < Times.Count; i++)
        {
            if (Times[i] < Times[earliest])
                earliest = i;
        }

        Times.RemoveAt(earliest);
    }

    /// <summary>Takes a stored value; empty: nothing was counted.</summary>
    public void Load(ReadOnlySpan<byte> value)
    {
        Texts.Load(value);
        Times.Clear();
        if (value.IsEmpty)
        {
            Count = 0;
            LastAt = BaseAsOf = long.MinValue;
            LastVisit = default;
            return;
        }

        StateReader reader = new(value, Version);
        Count = reader.Int64();
        LastAt = reader.Int64();
        LastVisit = reader.Text();
        BaseAsOf = reader.Int64();
        int times = reader.Int16();
        for (int i = 0; i < times; i++)
            Times.Add(reader.Int64());
    }

    public void Write(StateWriter writer)
    {
        writer.Reset(Version);
        writer.Int64(Count);
        writer.Int64(LastAt);
        writer.Text(Texts[LastVisit]);
        writer.Int64(BaseAsOf);
        writer.Int16(Times.Count);
        foreach (long time in Times)
            writer.Int64(time);
    }
}
