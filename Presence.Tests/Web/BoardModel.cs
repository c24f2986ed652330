using Presence.Host.Web.Board;

namespace Presence.Tests.Web;

/// <summary>One record of any topic of the board.</summary>
internal sealed record BoardStep(BoardTopic Topic, string Visit, string Device, string Venue, long At, long FirstSeen, long LastSeen, string Contact, string Name, long Count);

/// <summary>What a board shows, said as plainly as can be: every visit is an object of its own, kept for ever and sorted anew for each question.</summary>
internal sealed class BoardModel(BoardOptions options, string listenedVenue)
{
    private const long Hour = 60 * BoardRecords.Minute;

    private sealed class ModelVenue(string name)
    {
        public string Name { get; } = name;

        public long Clock { get; set; }

        public int Touched { get; set; }

        public List<VisitDocument> Arrivals { get; } = [];

        /// <summary>All that ever were, by key: as they are now, or were when they were forgotten.</summary>
        public Dictionary<long, VisitDocument> Visits { get; } = [];

        public HashSet<long> Remembered { get; } = [];

        public IEnumerable<VisitDocument> Present => Visits.Values.Where(v => Remembered.Contains(v.Key) && IsPresent(v)).OrderBy(v => (v.FirstSeen, v.Key));

        public IEnumerable<VisitDocument> Others => Visits.Values.Where(v => Remembered.Contains(v.Key) && !IsPresent(v)).OrderBy(v => (v.LastSeen ?? v.FirstSeen, v.Key));
    }

    private readonly Dictionary<string, ModelVenue> _venues = [];
    private readonly List<(string Contact, BoardStep Step)> _counts = [];
    private int _applied;
    private long _keys;

    /// <summary>What a listener to the venue has been told.</summary>
    public List<BoardChange> Told { get; } = [];

    public void Apply(BoardStep step)
    {
        _applied++;
        if (step.Topic == BoardTopic.WalkInCounts)
        {
            ApplyCount(step);
            return;
        }

        ModelVenue venue = Find(step.Visit) ?? FindVenue(step.Venue);
        venue.Touched = _applied;
        VisitDocument before = venue.Visits.Values.SingleOrDefault(v => v.Visit == step.Visit && venue.Remembered.Contains(v.Key))
            ?? new VisitDocument(++_keys, step.Visit, step.Device, false, "anonymous", null, null, null, null, null, step.FirstSeen, null, null);
        VisitDocument visit = step.Topic switch
        {
            BoardTopic.WalkIns => before with { At = step.At },
            BoardTopic.VisitsEnded => before with { LastSeen = step.LastSeen, DwellSeconds = (step.LastSeen - before.FirstSeen) / 1000 },
            _ => Enrich(before, step),
        };
        if (step.Topic != BoardTopic.EnrichedWalkIns)
            venue.Clock = Math.Max(venue.Clock, step.Topic == BoardTopic.WalkIns ? step.At : step.LastSeen);
        venue.Remembered.Add(visit.Key);
        Set(venue, visit);
        List(venue, visit);
        Forget(venue, venue.Present, options.PresentMax);
        Forget(venue, venue.Others, options.EndedMax);
        while (venue.Present.FirstOrDefault() is { } stale && stale.FirstSeen < venue.Clock - (long)options.StayMax.TotalMilliseconds)
        {
            venue.Remembered.Remove(stale.Key);
            Tell(venue, "gone", stale);
        }

        if (IsPresent(visit))
            Tell(venue, IsPresent(before) ? "visit" : "walk-in", visit);
        else if (IsPresent(before))
            Tell(venue, "ended", visit);
        else if (before.At is not null)
            Tell(venue, "visit", visit);
    }

    public VenueDocument? Describe(string name)
    {
        if (!_venues.TryGetValue(name, out ModelVenue? venue))
            return null;
        long last = venue.Clock - (venue.Clock % Hour);
        VenueHour[] hours = [.. Enumerable.Range(0, options.HoursMax).Select(i => last - ((options.HoursMax - 1 - i) * Hour)).Select(hour =>
        {
            VisitDocument[] visits = [.. venue.Visits.Values.Where(v => v.At is { } at && at - (at % Hour) == hour)];
            return new VenueHour(hour, visits.Length, visits.Count(v => v.Kind == "new"), visits.Count(v => v.Kind == "returning"));
        })];
        long?[] dwells = [.. venue.Others.Where(v => v.LastSeen is not null).Select(v => v.DwellSeconds).Order()];
        VisitDocument[] present = [.. venue.Present.OrderByDescending(v => (v.At, v.Key))];
        VenueTotals totals = new(
            present.Length,
            present.Count(v => v.Kind == "new"),
            present.Count(v => v.Kind == "returning"),
            hours.Sum(h => h.WalkIns),
            hours.Sum(h => h.New),
            hours.Sum(h => h.Returning),
            dwells.Length == 0 ? null : dwells[dwells.Length / 2]);
        return new VenueDocument("cafe", name, "UTC", false, venue.Clock, totals, hours, present, [.. venue.Arrivals.AsEnumerable().Reverse()]);
    }

    private static bool IsPresent(VisitDocument visit) => visit is { At: not null, LastSeen: null };

    private ModelVenue? Find(string visit) => _venues.Values.SingleOrDefault(v => v.Remembered.Any(key => v.Visits[key].Visit == visit));

    private ModelVenue FindVenue(string name)
    {
        if (_venues.TryGetValue(name, out ModelVenue? venue))
            return venue;
        if (_venues.Count == options.VenuesMax)
            _venues.Remove(_venues.Values.MinBy(v => (v.Name == listenedVenue, v.Touched))!.Name);
        return _venues[name] = new ModelVenue(name);
    }

    private VisitDocument Enrich(VisitDocument visit, BoardStep step)
    {
        int known = _counts.FindIndex(c => c.Contact == step.Contact);
        VisitDocument enriched = visit with
        {
            Contact = step.Contact,
            Name = step.Name.Length > 0 ? step.Name : null,
            Email = $"{step.Contact}@example.org",
            Kind = "contact",
        };
        if (known < 0)
            return enriched;
        BoardStep count = _counts[known].Step;
        bool isReturning = count.Count > 1 || (count.Visit != visit.Visit && count.At < step.At);
        return enriched with { Count = count.Count, Kind = isReturning ? "returning" : "new" };
    }

    private void ApplyCount(BoardStep step)
    {
        int known = _counts.FindIndex(c => c.Contact == step.Contact);
        if (known >= 0)
            _counts[known] = (step.Contact, step);
        else
            _counts.Add((step.Contact, step));
        if (_counts.Count > options.CountsMax)
            _counts.RemoveAt(0);
        if (Find(step.Visit) is not { } venue)
            return;
        VisitDocument visit = venue.Visits.Values.Single(v => v.Visit == step.Visit && venue.Remembered.Contains(v.Key)) with
        {
            Count = step.Count,
            Kind = step.Count > 1 ? "returning" : "new",
        };
        Set(venue, visit);
        if (visit.At is not null)
            Tell(venue, "visit", visit);
    }

    private static void Set(ModelVenue venue, VisitDocument visit)
    {
        venue.Visits[visit.Key] = visit;
        int arrival = venue.Arrivals.FindIndex(v => v.Key == visit.Key);
        if (arrival >= 0)
            venue.Arrivals[arrival] = visit;
    }

    private void List(ModelVenue venue, VisitDocument visit)
    {
        if (visit.At is null)
            return;
        venue.Arrivals.RemoveAll(v => v.Key == visit.Key);
        venue.Arrivals.Add(visit);
        venue.Arrivals.Sort((a, b) => (a.At!.Value, a.Key).CompareTo((b.At!.Value, b.Key)));
        if (venue.Arrivals.Count > options.ArrivalsMax)
            venue.Arrivals.RemoveAt(0);
    }

    private static void Forget(ModelVenue venue, IEnumerable<VisitDocument> list, int max)
    {
        VisitDocument[] visits = [.. list];
        foreach (VisitDocument oldest in visits.Take(visits.Length - max))
            venue.Remembered.Remove(oldest.Key);
    }

    private void Tell(ModelVenue venue, string kind, VisitDocument visit)
    {
        if (venue.Name == listenedVenue)
            Told.Add(new BoardChange(kind, visit));
    }
}
