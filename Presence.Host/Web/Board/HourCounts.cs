namespace Presence.Host.Web.Board;

/// <summary>
/// Walk-ins of a venue by kind, in the last hours of event time. A ring: an hour takes the place of the one that no
/// longer counts.
/// </summary>
internal sealed class HourCounts(int hoursMax)
{
    private const long HourMilliseconds = 3_600_000;
    private const int Kinds = (int)VisitKind.Returning + 1;

    private readonly int[] _counts = new int[hoursMax * Kinds];
    private long _last;

    private long First => _last - hoursMax + 1;

    /// <summary>Moves on to the hour of <paramref name="clock"/>, ms, which is no earlier than before.</summary>
    public void Advance(long clock)
    {
        long before = _last;
        _last = clock / HourMilliseconds;
        for (long hour = Math.Max(before + 1, First); hour <= _last; hour++)
            Of(hour).Clear();
    }

    /// <summary>Counts walk-ins at <paramref name="at"/>, ms and not after the clock; those of an hour that is over are left out.</summary>
    public void Count(long at, VisitKind kind, int by)
    {
        long hour = at / HourMilliseconds;
        if (hour >= First)
            Of(hour)[(int)kind] += by;
    }

    /// <summary>All hours up to the clock's, those without walk-ins too.</summary>
    public VenueHour[] Describe()
    {
        VenueHour[] hours = new VenueHour[hoursMax];
        for (int i = 0; i < hoursMax; i++)
        {
            ReadOnlySpan<int> counts = Of(First + i);
            int walkIns = 0;
            foreach (int count in counts)
                walkIns += count;
            hours[i] = new VenueHour((First + i) * HourMilliseconds, walkIns, counts[(int)VisitKind.New], counts[(int)VisitKind.Returning]);
        }

        return hours;
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        _last = 0;
        _counts.AsSpan().Clear();
    }

    // Before the first walk-in the clock is 0, and the hours before it are negative.
    private Span<int> Of(long hour) => _counts.AsSpan((int)(((hour % hoursMax) + hoursMax) % hoursMax) * Kinds, Kinds);
}
