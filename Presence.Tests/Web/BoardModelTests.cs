using System.Text.Json;
using Presence.Host.Web;
using Presence.Host.Web.Board;

namespace Presence.Tests.Web;

/// <summary>What the board uses again must not show through: it is held against a model that uses nothing again.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class BoardModelTests
{
    private static readonly string[] Venues = ["centre", "north", "south"];

    private static readonly BoardOptions Tiny = new() { VenuesMax = 2, PresentMax = 5, EndedMax = 4, ArrivalsMax = 6, HoursMax = 3, CountsMax = 6, StayMax = TimeSpan.FromMinutes(70) };

    [Test]
    public void Whatever_comes_in_whatever_order_it_shows_what_a_plain_model_shows([Range(1, 20)] int seed)
    {
        Random random = new(seed);
        Board board = new(Tiny);
        BoardModel model = new(Tiny, "centre");
        BoardListener? listener = null;
        for (int i = 0; i < 1_500; i++)
        {
            BoardStep step = Next(random, i);
            Assert.That(board.Apply(step.Topic, Json(step)));
            model.Apply(step);
            string said = $"seed {seed}, record {i}: {step}";
            foreach (string venue in Venues)
                Assert.That(Json(board.Describe("cafe", venue, null)), Is.EqualTo(Json(model.Describe(venue))), said);
            if (listener is not null)
                Assert.That(Take(listener), Is.EqualTo(model.Told), said);
            model.Told.Clear();
            listener ??= board.Listen("cafe", "centre", out _);
        }

        Assert.That(listener, Is.Not.Null);
    }

    // A visit begins every few records; of the last ones, any topic comes at any time, some of it twice.
    private static BoardStep Next(Random random, int i)
    {
        int visit = Math.Max(0, (i / 4) - random.Next(1 + random.Next(24)));
        long at = BoardRecords.Noon + (visit * 4 * BoardRecords.Minute);
        int contact = visit % 3 == 0 ? visit % 11 : visit % 7;
        return new BoardStep(
            (BoardTopic)random.Next(4),
            $"v{visit}",
            $"device-{visit % 40}",
            Venues[visit % 9 == 0 ? visit / 9 % 3 : 0],
            at,
            at - (5 * BoardRecords.Minute),
            at + (visit % 50 * BoardRecords.Minute),
            $"c{contact}",
            new string('n', random.Next(3) * random.Next(40)),
            1 + random.Next(2));
    }

    private static string Json(BoardStep step) => step.Topic switch
    {
        BoardTopic.WalkIns => BoardRecords.WalkIn(step.Visit, step.Device, step.At, step.Venue),
        BoardTopic.VisitsEnded => BoardRecords.Ended(step.Visit, step.Device, step.FirstSeen, step.LastSeen, step.Venue),
        BoardTopic.EnrichedWalkIns => BoardRecords.Enriched(step.Visit, step.Device, step.Contact, step.At, step.Name, step.Venue),
        _ => BoardRecords.Count(step.Contact, step.Count, step.Visit, step.At),
    };

    private static string Json(VenueDocument? document) => document is null ? "unknown" : JsonSerializer.Serialize(document, WebJson.Default.VenueDocument);

    private static List<BoardChange> Take(BoardListener listener)
    {
        List<BoardChange> changes = [];
        while (listener.TryTake(out BoardChange change))
            changes.Add(change);
        return changes;
    }
}
