using System.Text;
using Presence.Core.Events;

namespace Presence.Host.Web.Board;

/// <summary>
/// One venue: who is there, who was, who came; used again for another venue when it is forgotten. Guarded by the board's
/// gate.
/// </summary>
internal sealed class VenueBoard(BoardOptions options)
{
    /// <summary>Ended visits the median dwell is taken of.</summary>
    private const int DwellSamplesMax = 200;

    private readonly Utf8Text _id = new();
    private readonly VisitList _present = new(v => v.FirstSeen);
    private readonly VisitList _others = new(v => v.LastSeen ?? v.FirstSeen);
    private readonly VisitList _arrivals = new(v => v.At ?? v.FirstSeen);
    private readonly HourCounts _hours = new(options.HoursMax);
    private int _businessLength;

    /// <summary><c>business|venue</c>.</summary>
    public ReadOnlySpan<byte> Id => _id.Span;

    public ReadOnlySpan<byte> Business => Id[.._businessLength];

    public ReadOnlySpan<byte> Venue => Id[(_businessLength + 1)..];

    /// <summary>The largest event time read, ms.</summary>
    public long Clock { get; private set; }

    /// <summary>When it was last touched, in records of the board.</summary>
    public long Touched { get; set; }

    /// <summary>Who listens to its events.</summary>
    public List<BoardListener> Listeners { get; } = [];

    /// <summary>All that is remembered.</summary>
    public IEnumerable<Visit> Visits => _present.Items.Concat(_others.Items);

    /// <summary>How many are there.</summary>
    public int PresentCount => _present.Count;

    private string TimeZone => options.TimeZones.GetValueOrDefault(_id.ToString(), "UTC");

    /// <summary>Becomes an empty venue of this <paramref name="id"/>.</summary>
    public void Begin(ReadOnlySpan<byte> id)
    {
        _id.Set(id);
        _businessLength = id.IndexOf((byte)'|');
        _present.Clear();
        _others.Clear();
        _arrivals.Clear();
        _hours.Clear();
        Clock = 0;
        Listeners.Clear();
    }

    /// <summary>Moves the clock on.</summary>
    public void Advance(long at)
    {
        Clock = Math.Max(Clock, at);
        _hours.Advance(Clock);
    }

    /// <summary>Takes a visit out of all lists before it changes what they are sorted by.</summary>
    public void Remove(Visit visit)
    {
        _present.Remove(visit);
        _others.Remove(visit);
        _arrivals.Remove(visit);
    }

    /// <summary>Lists a visit that walked in among the arrivals; answers the one that no longer fits, or null.</summary>
    public Visit? PlaceArrival(Visit visit)
    {
        if (visit.At is null)
            return null;
        _arrivals.Add(visit);
        return _arrivals.Count > options.ArrivalsMax ? TakeArrival() : null;
    }

    /// <summary>Takes the earliest out of the list of arrivals, be it remembered or not; null when none is there.</summary>
    public Visit? TakeArrival() => _arrivals.TakeEarliest();

    /// <summary>Whether it is listed among the arrivals.</summary>
    public bool IsArrival(Visit visit) => _arrivals.Contains(visit);

    /// <summary>Puts a visit where it belongs; answers the one that no longer fits, or null.</summary>
    public Visit? Place(Visit visit)
    {
        VisitList list = visit.IsPresent ? _present : _others;
        list.Add(visit);
        return list.Count > (visit.IsPresent ? options.PresentMax : options.EndedMax) ? list.TakeEarliest() : null;
    }

    /// <summary>Takes out a visit that began before <paramref name="before"/> and has no end; null when there is none.</summary>
    public Visit? TakeStale(long before) =>
        _present.Earliest is { } earliest && earliest.FirstSeen < before ? _present.TakeEarliest() : null;

    /// <summary>Counts a walk-in, or one that turned out to be of another kind than thought.</summary>
    public void CountHour(long at, VisitKind kind, int by) => _hours.Count(at, kind, by);

    /// <summary>The last hours, those without walk-ins too.</summary>
    public VenueHour[] Hours() => _hours.Describe();

    /// <summary>Counts at an event time.</summary>
    public VenueTotals Totals()
    {
        VenueHour[] hours = Hours();
        long[] dwells = [.. _others.Items.Reverse().Where(v => v is { LastSeen: not null }).Take(DwellSamplesMax).Select(v => (v.LastSeen!.Value - v.FirstSeen) / 1000).Order()];
        return new VenueTotals(
            _present.Count,
            _present.Items.Count(v => v.Kind == VisitKind.New),
            _present.Items.Count(v => v.Kind == VisitKind.Returning),
            hours.Sum(h => h.WalkIns),
            hours.Sum(h => h.New),
            hours.Sum(h => h.Returning),
            dwells.Length == 0 ? null : dwells[dwells.Length / 2]);
    }

    /// <summary>For the list of venues, at <paramref name="clock"/>.</summary>
    public VenueSummary Summarize(long clock) => new(Text(Business), Text(Venue), TimeZone, clock, PresentCount, Hours().Sum(h => h.WalkIns));

    /// <summary>Everything, nothing masked; who came last first.</summary>
    public VenueDocument Describe(long clock) => new(
        Text(Business),
        Text(Venue),
        TimeZone,
        Masked: false,
        clock,
        Totals(),
        Hours(),
        [.. _present.Items.OrderByDescending(v => v.At).ThenByDescending(v => v.Key).Select(v => v.Describe())],
        [.. _arrivals.Items.Reverse().Select(v => v.Describe())]);

    private static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}
