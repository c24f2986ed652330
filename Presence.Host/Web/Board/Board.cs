using System.Text;
using Presence.Core.Events;

namespace Presence.Host.Web.Board;

/// <summary>
/// Who is in which venue: a bounded projection of the output topics, which come in any order relative to each other. One
/// thread applies records; any thread looks. What is forgotten is used again, and strings are made for whoever looks:
/// visits live just long enough to cost the garbage collector its most expensive collections.
/// </summary>
internal sealed class Board(BoardOptions options)
{
    private readonly Lock _gate = new();
    private readonly IdSet<VenueBoard> _venues = new(v => v.Id);
    private readonly IdSet<Visit> _visits = new(v => v.Id);
    private readonly ContactCounts _counts = new(options.CountsMax);
    private readonly byte[] _venueId = new byte[RecordKeys.PairBytesMax];

    // Visits to be used again: with those that are held, never more than were held at once.
    private readonly Stack<Visit> _free = new();
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
            switch (topic)
            {
                case BoardTopic.WalkIns:
                    visit.Venue.Remove(visit);
                    visit.At = record.At;
                    visit.Randomized = record.Randomized;
                    visit.Venue.Advance(record.At!.Value);
                    break;
                case BoardTopic.VisitsEnded:
                    visit.Venue.Remove(visit);
                    visit.LastSeen = record.LastSeen;
                    visit.Venue.Advance(record.LastSeen!.Value);
                    break;
                default:
                    visit.Enrich(record);
                    Judge(visit, record.At!.Value);
                    break;
            }

            Recount(visit, counted, kind);
            if (visit.Venue.PlaceArrival(visit) is { } unlisted)
                Free(unlisted);
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
            return [.. _venues.Items
                .Select(v => v.Summarize(Math.Max(v.Clock, clock ?? 0)))
                .OrderBy(v => v.Business, StringComparer.Ordinal).ThenBy(v => v.Venue, StringComparer.Ordinal)];
        }
    }

    /// <summary>A venue, nothing masked; null when it is not known. <paramref name="clock"/>: event time from elsewhere, ms.</summary>
    public VenueDocument? Describe(string business, string venue, long? clock)
    {
        lock (_gate)
            return Find(business, venue) is { } board ? board.Describe(Math.Max(board.Clock, clock ?? 0)) : null;
    }

    /// <summary>The counts of a venue; null when it is not known.</summary>
    public TotalsChange? Totals(string business, string venue, long? clock)
    {
        lock (_gate)
        {
            return Find(business, venue) is { } board
                ? new TotalsChange(Math.Max(board.Clock, clock ?? 0), board.Totals(), board.Hours())
                : null;
        }
    }

    /// <summary>Begins to listen to a venue. Null when it is not known, or, with <paramref name="full"/>, when all places are taken.</summary>
    public BoardListener? Listen(string business, string venue, out bool full)
    {
        lock (_gate)
        {
            full = _listeners >= options.ListenersMax;
            if (full || Find(business, venue) is not { } board)
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
            Find(business, venue)?.Listeners.Remove(listener);
        }
    }

    // No id contains what stands between the two.
    private VenueBoard? Find(string business, string venue) => _venues.Find(Encoding.UTF8.GetBytes($"{business}|{venue}"));

    private Visit Find(BoardRecord record)
    {
        if (_visits.Find(record.Visit.Span) is { } visit)
        {
            visit.Venue.Touched = _applied;
            return visit;
        }

        VenueBoard venue = FindVenue(record);
        venue.Touched = _applied;
        visit = _free.TryPop(out Visit? free) ? free : new Visit();
        visit.Begin(venue, ++_keys, record);
        _visits.Add(visit);
        return visit;
    }

    private VenueBoard FindVenue(BoardRecord record)
    {
        ReadOnlySpan<byte> id = RecordKeys.WritePair(_venueId, record.Business.Span, record.Venue.Span);
        if (_venues.Find(id) is { } venue)
            return venue;
        venue = _venues.Count < options.VenuesMax ? new VenueBoard(options) : ForgetQuietest();
        venue.Begin(id);
        _venues.Add(venue);
        return venue;
    }

    private void ApplyCount(BoardRecord record)
    {
        _counts.Set(record);
        if (_visits.Find(record.Visit.Span) is not { } visit)
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
        if (_counts.Find(visit.Venue.Business, visit.Contact) is not { } count)
        {
            visit.Kind = VisitKind.Contact;
            return;
        }

        visit.Count = count.Count;
        visit.Kind = count.Count > 1 || (!count.LastVisit.SequenceEqual(visit.Id) && count.LastAt < at) ? VisitKind.Returning : VisitKind.New;
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

    private void Forget(Visit visit)
    {
        _visits.Remove(visit);
        visit.IsRemembered = false;
        Free(visit);
    }

    // The arrivals list visits that are forgotten, too. What is free keeps its contents until the next record takes it:
    // it can still be told of.
    private void Free(Visit visit)
    {
        if (!visit.IsRemembered && !visit.Venue.IsArrival(visit))
            _free.Push(visit);
    }

    private VenueBoard ForgetQuietest()
    {
        VenueBoard venue = _venues.Items.MinBy(v => (v.Listeners.Count > 0, v.Touched))!;
        _venues.Remove(venue);
        while (venue.TakeArrival() is { } unlisted)
            Free(unlisted);
        foreach (Visit visit in venue.Visits)
            Forget(visit);
        return venue;
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
