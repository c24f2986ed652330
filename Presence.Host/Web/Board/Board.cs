namespace Presence.Host.Web.Board;

/// <summary>
/// Who is in which venue: a bounded projection of the output topics, which come in any order relative to each other. One
/// thread applies records; any thread looks.
/// </summary>
internal sealed class Board(BoardOptions options)
{
    private readonly record struct ContactCount(long Count, string? LastVisit, long LastAt);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Business, string Venue), VenueBoard> _venues = [];
    private readonly Dictionary<string, Visit> _visits = [];
    private readonly Dictionary<(string Business, string Contact), ContactCount> _counts = [];
    private readonly Queue<(string Business, string Contact)> _countOrder = new();
    private long _applied;
    private long _keys;
    private int _listeners;

    /// <summary>Applies a record that has been decoded for <paramref name="topic"/>.</summary>
    public void Apply(BoardTopic topic, BoardRecord record)
    {
        lock (_gate)
        {
            _applied++;
            if (topic == BoardTopic.WalkInCounts)
            {
                ApplyCount(record);
                return;
            }

            Visit visit = Find(record);
            VisitKind kind = visit.Kind;
            bool counted = visit.At is not null;
            bool wasPresent = visit.IsPresent;
            visit.Venue.Remove(visit);
            switch (topic)
            {
                case BoardTopic.WalkIns:
                    visit.At = record.At;
                    visit.Randomized = record.Randomized;
                    visit.Venue.Advance(record.At!.Value);
                    break;
                case BoardTopic.VisitsEnded:
                    visit.LastSeen = record.LastSeen;
                    visit.Venue.Advance(record.LastSeen!.Value);
                    break;
                default:
                    (visit.Contact, visit.Name, visit.Email) = (record.Contact, record.Name, record.Email);
                    Judge(visit, record.At!.Value);
                    break;
            }

            Recount(visit, counted, kind);
            if (visit.Venue.Place(visit) is { } dropped)
                Forget(dropped);
            Expire(visit.Venue);
            string? change = visit.IsPresent ? (wasPresent ? "visit" : "walk-in") : wasPresent ? "ended" : counted ? "visit" : null;
            if (change is not null)
                Tell(visit, change);
        }
    }

    /// <summary>All venues, by name.</summary>
    public IReadOnlyList<VenueSummary> Venues(long? clock)
    {
        lock (_gate)
        {
            return [.. _venues.Values
                .OrderBy(v => v.Business, StringComparer.Ordinal).ThenBy(v => v.Venue, StringComparer.Ordinal)
                .Select(v => new VenueSummary(v.Business, v.Venue, v.TimeZone, Math.Max(v.Clock, clock ?? 0), v.PresentCount, v.Hours(v.Clock).Sum(h => h.WalkIns)))];
        }
    }

    /// <summary>A venue, nothing masked; null when it is not known. <paramref name="clock"/>: event time from elsewhere, ms.</summary>
    public VenueDocument? Describe(string business, string venue, long? clock)
    {
        lock (_gate)
            return _venues.TryGetValue((business, venue), out VenueBoard? board) ? board.Describe(Math.Max(board.Clock, clock ?? 0)) : null;
    }

    /// <summary>The counts of a venue; null when it is not known.</summary>
    public TotalsChange? Totals(string business, string venue, long? clock)
    {
        lock (_gate)
        {
            return _venues.TryGetValue((business, venue), out VenueBoard? board)
                ? new TotalsChange(Math.Max(board.Clock, clock ?? 0), board.Totals(), [.. board.Hours(board.Clock)])
                : null;
        }
    }

    /// <summary>Begins to listen to a venue. Null when it is not known, or, with <paramref name="full"/>, when all places are taken.</summary>
    public BoardListener? Listen(string business, string venue, out bool full)
    {
        lock (_gate)
        {
            full = _listeners >= options.ListenersMax;
            if (full || !_venues.TryGetValue((business, venue), out VenueBoard? board))
                return null;
            BoardListener listener = new(options.PendingMax);
            board.Listeners.Add(listener);
            _listeners++;
            return listener;
        }
    }

    /// <summary>Ends listening.</summary>
    public void Leave(string business, string venue, BoardListener listener)
    {
        lock (_gate)
        {
            _listeners--;
            if (_venues.TryGetValue((business, venue), out VenueBoard? board))
                board.Listeners.Remove(listener);
        }
    }

    private Visit Find(BoardRecord record)
    {
        if (_visits.TryGetValue(record.Visit!, out Visit? visit))
        {
            visit.Venue.Touched = _applied;
            return visit;
        }

        if (!_venues.TryGetValue((record.Business!, record.Venue!), out VenueBoard? venue))
        {
            if (_venues.Count >= options.VenuesMax)
                Forget(_venues.Values.MinBy(v => (v.Listeners.Count > 0, v.Touched))!);
            venue = new VenueBoard(record.Business!, record.Venue!, options);
            _venues[(record.Business!, record.Venue!)] = venue;
        }

        venue.Touched = _applied;
        visit = new Visit(venue, ++_keys, record.Visit!, record.Device!, record.FirstSeen!.Value);
        _visits[visit.Id] = visit;
        return visit;
    }

    private void ApplyCount(BoardRecord record)
    {
        (string, string) key = (record.Business!, record.Contact!);
        if (!_counts.ContainsKey(key))
        {
            if (_counts.Count >= options.CountsMax)
                _counts.Remove(_countOrder.Dequeue());
            _countOrder.Enqueue(key);
        }

        _counts[key] = new ContactCount(record.Count!.Value, record.Visit, record.At!.Value);
        if (record.Visit is null || !_visits.TryGetValue(record.Visit, out Visit? visit))
            return;
        VisitKind kind = visit.Kind;
        visit.Count = record.Count;
        visit.Kind = record.Count > 1 ? VisitKind.Returning : VisitKind.New;
        Recount(visit, visit.At is not null, kind);
        if (visit.At is not null)
            Tell(visit, "visit");
    }

    // A count that is there already is either this visit's own, or that of an earlier one: then they have returned.
    private void Judge(Visit visit, long at)
    {
        if (!_counts.TryGetValue((visit.Venue.Business, visit.Contact!), out ContactCount count))
        {
            visit.Kind = VisitKind.Contact;
            return;
        }

        visit.Count = count.Count;
        visit.Kind = count.Count > 1 || (count.LastVisit != visit.Id && count.LastAt < at) ? VisitKind.Returning : VisitKind.New;
    }

    private static void Recount(Visit visit, bool counted, VisitKind kind)
    {
        if (visit.At is null)
            return;
        if (counted)
            visit.Venue.CountHour(visit.At.Value, kind, -1);
        visit.Venue.CountHour(visit.At.Value, visit.Kind, 1);
    }

    private void Expire(VenueBoard venue)
    {
        long before = venue.Clock - (long)options.StayMax.TotalMilliseconds;
        while (venue.TakeStale(before) is { } stale)
        {
            Forget(stale);
            Tell(stale, "gone");
        }
    }

    private void Forget(Visit visit) => _visits.Remove(visit.Id);

    private void Forget(VenueBoard venue)
    {
        foreach (Visit visit in venue.Visits)
            _visits.Remove(visit.Id);
        _venues.Remove((venue.Business, venue.Venue));
    }

    private static void Tell(Visit visit, string kind)
    {
        if (visit.Venue.Listeners.Count == 0)
            return;
        BoardChange change = new(kind, visit.Describe());
        foreach (BoardListener listener in visit.Venue.Listeners)
            listener.Tell(change);
    }
}
