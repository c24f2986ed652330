namespace Presence.Host.Web.Board;

/// <summary>One venue: who is there, who was, who came. Guarded by the board's gate.</summary>
internal sealed class VenueBoard(string business, string venue, BoardOptions options)
{
    private const long HourMilliseconds = 3_600_000;

    /// <summary>Ended visits the median dwell is taken of.</summary>
    private const int DwellSamplesMax = 200;

    private static readonly Comparer<Visit> ByFirstSeen = By(v => v.FirstSeen);
    private static readonly Comparer<Visit> ByLastSeen = By(v => v.LastSeen ?? v.FirstSeen);
    private static readonly Comparer<Visit> ByAt = By(v => v.At ?? v.FirstSeen);

    private readonly SortedSet<Visit> _present = new(ByFirstSeen);
    private readonly SortedSet<Visit> _others = new(ByLastSeen);
    private readonly SortedSet<Visit> _arrivals = new(ByAt);
    private readonly SortedDictionary<long, int[]> _hours = [];
    private long _firstKept = long.MinValue;

    public string Business { get; } = business;

    public string Venue { get; } = venue;

    public string TimeZone { get; } = options.TimeZones.GetValueOrDefault($"{business}|{venue}", "UTC");

    /// <summary>The largest event time read, ms.</summary>
    public long Clock { get; private set; }

    /// <summary>When it was last touched, in records of the board.</summary>
    public long Touched { get; set; }

    /// <summary>Who listens to its events.</summary>
    public List<BoardListener> Listeners { get; } = [];

    /// <summary>All that is remembered.</summary>
    public IEnumerable<Visit> Visits => _present.Concat(_others);

    /// <summary>Moves the clock on.</summary>
    public void Advance(long at) => Clock = Math.Max(Clock, at);

    /// <summary>Takes a visit out of all lists before it changes what they are sorted by.</summary>
    public void Remove(Visit visit)
    {
        _present.Remove(visit);
        _others.Remove(visit);
        _arrivals.Remove(visit);
    }

    /// <summary>Puts a visit where it belongs; answers the one that no longer fits, or null.</summary>
    public Visit? Place(Visit visit)
    {
        if (visit.At is not null)
        {
            _arrivals.Add(visit);
            if (_arrivals.Count > options.ArrivalsMax)
                _arrivals.Remove(_arrivals.Min!);
        }

        SortedSet<Visit> list = visit.IsPresent ? _present : _others;
        list.Add(visit);
        if (list.Count <= (visit.IsPresent ? options.PresentMax : options.EndedMax))
            return null;
        Visit oldest = list.Min!;
        list.Remove(oldest);
        return oldest;
    }

    /// <summary>Takes out a visit that began before <paramref name="before"/> and has no end; null when there is none.</summary>
    public Visit? TakeStale(long before)
    {
        if (_present.Min is not { } oldest || oldest.FirstSeen >= before)
            return null;
        _present.Remove(oldest);
        return oldest;
    }

    /// <summary>Counts a walk-in, or one that turned out to be of another kind than thought.</summary>
    public void CountHour(long at, VisitKind kind, int by)
    {
        long hour = at - (at % HourMilliseconds);
        if (hour < FirstHour(Clock))
            return;
        if (!_hours.TryGetValue(hour, out int[]? counts))
            _hours[hour] = counts = new int[4];
        counts[(int)kind] += by;
        if (FirstHour(Clock) <= _firstKept)
            return;
        _firstKept = FirstHour(Clock);
        while (_hours.Count > 0 && _hours.Keys.First() < _firstKept)
            _hours.Remove(_hours.Keys.First());
    }

    /// <summary>Counts at an event time.</summary>
    public VenueTotals Totals()
    {
        VenueHour[] hours = [.. Hours(Clock)];
        long[] dwells = [.. _others.Reverse().Where(v => v is { LastSeen: not null }).Take(DwellSamplesMax).Select(v => (v.LastSeen!.Value - v.FirstSeen) / 1000).Order()];
        return new VenueTotals(
            _present.Count,
            _present.Count(v => v.Kind == VisitKind.New),
            _present.Count(v => v.Kind == VisitKind.Returning),
            hours.Sum(h => h.WalkIns),
            hours.Sum(h => h.New),
            hours.Sum(h => h.Returning),
            dwells.Length == 0 ? null : dwells[dwells.Length / 2]);
    }

    /// <summary>All hours up to <paramref name="clock"/>, those without walk-ins too.</summary>
    public IEnumerable<VenueHour> Hours(long clock)
    {
        for (long hour = FirstHour(clock); hour <= clock; hour += HourMilliseconds)
        {
            int[]? counts = _hours.GetValueOrDefault(hour);
            yield return counts is null
                ? new VenueHour(hour, 0, 0, 0)
                : new VenueHour(hour, counts.Sum(), counts[(int)VisitKind.New], counts[(int)VisitKind.Returning]);
        }
    }

    /// <summary>How many are there.</summary>
    public int PresentCount => _present.Count;

    /// <summary>Everything, nothing masked; who came last first.</summary>
    public VenueDocument Describe(long clock) => new(
        Business,
        Venue,
        TimeZone,
        Masked: false,
        clock,
        Totals(),
        [.. Hours(Clock)],
        [.. _present.OrderByDescending(v => v.At).ThenByDescending(v => v.Key).Select(v => v.Describe())],
        [.. _arrivals.Reverse().Select(v => v.Describe())]);

    private long FirstHour(long clock) => clock - (clock % HourMilliseconds) - ((options.HoursMax - 1) * HourMilliseconds);

    private static Comparer<Visit> By(Func<Visit, long> time) => Comparer<Visit>.Create((a, b) =>
    {
        int order = time(a).CompareTo(time(b));
        return order != 0 ? order : a.Key.CompareTo(b.Key);
    });
}
