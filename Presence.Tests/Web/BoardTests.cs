using Presence.Host.Web.Board;
using static Presence.Tests.Web.BoardRecords;

namespace Presence.Tests.Web;

[Parallelizable(ParallelScope.All)]
public sealed class BoardTests
{
    private static VenueDocument Centre(Board board) => board.Describe("cafe", "centre", null)!;

    [Test]
    public void Who_walked_in_is_there_until_the_visit_has_ended()
    {
        Board board = new(new());
        board.Apply(BoardTopic.WalkIns, WalkIn("v1", "d1", Noon));
        board.Apply(BoardTopic.WalkIns, WalkIn("v2", "d2", Noon + Minute));
        Assert.That(Centre(board).Present.Select(v => v.Device), Is.EqualTo(new[] { "d2", "d1" }), "who came last first");

        board.Apply(BoardTopic.VisitsEnded, Ended("v1", "d1", Noon - (5 * Minute), Noon + (25 * Minute)));
        VenueDocument venue = Centre(board);
        Assert.That(venue.Present.Select(v => v.Device), Is.EqualTo(new[] { "d2" }));
        Assert.That(venue.Totals.Present, Is.EqualTo(1));
        Assert.That(venue.Totals.WalkIns, Is.EqualTo(2));
        Assert.That(venue.Totals.DwellSeconds, Is.EqualTo(30 * 60));
        Assert.That(venue.Arrivals.Select(v => (v.Device, v.LastSeen is null)), Is.EqualTo(new[] { ("d2", true), ("d1", false) }));
        Assert.That(venue.Clock, Is.EqualTo(Noon + (25 * Minute)));
    }

    [Test]
    public void The_topics_may_come_in_any_order()
    {
        (BoardTopic Topic, string Value)[] records =
        [
            (BoardTopic.WalkIns, WalkIn("v1", "d1", Noon)),
            (BoardTopic.EnrichedWalkIns, Enriched("v1", "d1", "c1", Noon)),
            (BoardTopic.WalkInCounts, Count("c1", 4, "v1", Noon)),
            (BoardTopic.VisitsEnded, Ended("v1", "d1", Noon - (5 * Minute), Noon + Minute)),
        ];
        foreach ((BoardTopic Topic, string Value)[] order in Permutations(records))
        {
            Board board = new(new());
            foreach ((BoardTopic topic, string value) in order)
                Assert.That(board.Apply(topic, value));
            VenueDocument venue = Centre(board);
            string said = string.Join(", ", order.Select(o => o.Topic));
            Assert.That(venue.Present, Is.Empty, said);
            Assert.That(venue.Arrivals.Select(v => (v.Kind, v.Count, v.Name, v.DwellSeconds)), Is.EqualTo(new[] { ("returning", (long?)4, (string?)"Ada Lovelace", (long?)360) }), said);
            Assert.That((venue.Totals.WalkIns, venue.Totals.New, venue.Totals.Returning), Is.EqualTo((1, 0, 1)), said);
        }
    }

    [Test]
    public void Delivered_twice_a_walk_in_counts_once()
    {
        Board board = new(new());
        for (int i = 0; i < 2; i++)
            board.Apply(BoardTopic.WalkIns, WalkIn("v1", "d1", Noon));
        Assert.That(Centre(board).Totals.WalkIns, Is.EqualTo(1));
        Assert.That(Centre(board).Present, Has.Count.EqualTo(1));
    }

    [Test]
    public void New_and_returning_follow_from_the_contacts_count()
    {
        Board board = new(new());
        board.Apply(BoardTopic.WalkIns, WalkIn("v1", "d1", Noon));
        Assert.That(Centre(board).Present[0].Kind, Is.EqualTo("anonymous"));
        board.Apply(BoardTopic.EnrichedWalkIns, Enriched("v1", "d1", "c1", Noon));
        Assert.That(Centre(board).Present[0].Kind, Is.EqualTo("contact"));
        board.Apply(BoardTopic.WalkInCounts, Count("c1", 1, "v1", Noon));
        Assert.That(Centre(board).Present[0].Kind, Is.EqualTo("new"));

        board.Apply(BoardTopic.WalkIns, WalkIn("v2", "d1", Noon + (300 * Minute)));
        board.Apply(BoardTopic.EnrichedWalkIns, Enriched("v2", "d1", "c1", Noon + (300 * Minute)));
        Assert.That(Centre(board).Present[0].Kind, Is.EqualTo("returning"), "counted before, so they have come back, whatever the new count will be");
        Assert.That((Centre(board).Totals.New, Centre(board).Totals.Returning), Is.EqualTo((1, 1)));
    }

    [Test]
    public void Hours_are_counted_by_event_time_and_only_the_last_ones()
    {
        Board board = new(new() { HoursMax = 3 });
        for (int hour = 0; hour < 5; hour++)
            board.Apply(BoardTopic.WalkIns, WalkIn($"v{hour}", "d1", Noon + (hour * 60 * Minute)));
        Assert.That(Centre(board).Hours.Select(h => (h.At, h.WalkIns)), Is.EqualTo(Enumerable.Range(2, 3).Select(h => (Noon + (h * 60 * Minute), 1))));
    }

    [Test]
    public void A_visit_whose_end_never_comes_is_over_some_time()
    {
        Board board = new(new() { StayMax = TimeSpan.FromHours(2) });
        board.Apply(BoardTopic.WalkIns, WalkIn("v1", "d1", Noon));
        board.Apply(BoardTopic.WalkIns, WalkIn("v2", "d2", Noon + (180 * Minute)));
        Assert.That(Centre(board).Present.Select(v => v.Device), Is.EqualTo(new[] { "d2" }));
    }

    [Test]
    public void Everything_is_bounded_and_the_oldest_goes_first()
    {
        Board board = new(new() { PresentMax = 3, ArrivalsMax = 2, EndedMax = 2, VenuesMax = 2 });
        for (int i = 0; i < 10; i++)
            board.Apply(BoardTopic.WalkIns, WalkIn($"v{i}", $"d{i}", Noon + (i * Minute)));
        VenueDocument venue = Centre(board);
        Assert.That(venue.Present.Select(v => v.Device), Is.EqualTo(new[] { "d9", "d8", "d7" }));
        Assert.That(venue.Arrivals.Select(v => v.Device), Is.EqualTo(new[] { "d9", "d8" }));
        Assert.That(venue.Totals.WalkIns, Is.EqualTo(10));

        foreach (string other in new[] { "north", "south", "west" })
            board.Apply(BoardTopic.WalkIns, WalkIn($"v-{other}", "d", Noon, other));
        Assert.That(board.Venues(null).Select(v => v.Venue), Is.EqualTo(new[] { "south", "west" }));
    }

    [Test]
    public void Values_that_are_none_of_the_contract_are_left_out()
    {
        Board board = new(new());
        Assert.That(board.Apply(BoardTopic.WalkIns, "nonsense"), Is.False);
        Assert.That(board.Apply(BoardTopic.WalkIns, """{"visit":"v"}"""), Is.False);
        Assert.That(board.Apply(BoardTopic.VisitsEnded, WalkIn("v1", "d1", Noon)), Is.False);
        Assert.That(board.Venues(null), Is.Empty);
    }

    [Test]
    public void A_clock_from_elsewhere_moves_the_venue_on()
    {
        Board board = new(new());
        board.Apply(BoardTopic.WalkIns, WalkIn("v1", "d1", Noon));
        Assert.That(board.Describe("cafe", "centre", Noon + Minute)!.Clock, Is.EqualTo(Noon + Minute));
        Assert.That(board.Describe("cafe", "centre", Noon - Minute)!.Clock, Is.EqualTo(Noon));
    }

    [Test]
    public void A_listener_that_does_not_follow_loses_the_oldest_and_knows_it()
    {
        Board board = new(new() { PendingMax = 2 });
        board.Apply(BoardTopic.WalkIns, WalkIn("v0", "d0", Noon));
        BoardListener listener = board.Listen("cafe", "centre", out _)!;
        for (int i = 1; i <= 5; i++)
            board.Apply(BoardTopic.WalkIns, WalkIn($"v{i}", $"d{i}", Noon));

        Assert.That(listener.TakeLost(), Is.True);
        Assert.That(listener.TakeLost(), Is.False, "said once");
        List<string> devices = [];
        while (listener.TryTake(out BoardChange change))
            devices.Add(change.Visit.Device);
        Assert.That(devices, Is.EqualTo(new[] { "d4", "d5" }));
    }

    private static IEnumerable<T[]> Permutations<T>(T[] items) => items.Length <= 1
        ? [items]
        : items.SelectMany((item, i) => Permutations([.. items[..i], .. items[(i + 1)..]]).Select(rest => (T[])[item, .. rest]));
}
