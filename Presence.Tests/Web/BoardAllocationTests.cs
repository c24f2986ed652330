using System.Text;
using Presence.Host.Web.Board;
using static Presence.Tests.Web.BoardRecords;

namespace Presence.Tests.Web;

/// <summary>The board keeps visits for minutes to hours: what it allocated for them would die old.</summary>
[NonParallelizable]
internal sealed class BoardAllocationTests
{
    private const int VisitsEachRound = 2_000;

    // An ended visit is forgotten while it is listed among the arrivals, one that goes on after it has left them.
    private static readonly BoardOptions Small = new() { PresentMax = 40, EndedMax = 40, ArrivalsMax = 100, HoursMax = 3, CountsMax = 50, StayMax = TimeSpan.FromHours(2) };

    [Test]
    public void Visits_that_come_and_go_cost_no_allocation()
    {
        Board board = new(Small);
        BoardRecord record = new();
        (BoardTopic Topic, byte[] Value)[][] rounds = [.. Enumerable.Range(0, 4).Select(r => Round(r).ToArray())];
        for (int r = 0; r < 3; r++)
            Apply(board, record, rounds[r]);

        long allocated = Allocated.By(() => Apply(board, record, rounds[3]));

        TestContext.Out.WriteLine($"{allocated / (double)rounds[3].Length:F1} bytes per record");
        VenueDocument venue = board.Describe("cafe", "centre", null)!;
        Assert.That((venue.Present.Count, venue.Arrivals.Count), Is.EqualTo((Small.PresentMax, Small.ArrivalsMax)));
        Assert.That(allocated, Is.Zero);
    }

    private static void Apply(Board board, BoardRecord record, (BoardTopic Topic, byte[] Value)[] records)
    {
        foreach ((BoardTopic topic, byte[] value) in records)
        {
            if (!record.Decode(topic, value))
                throw new InvalidOperationException("The record is none of the contract's.");
            board.Apply(topic, record);
        }
    }

    // A visit a minute; it ends after half an hour, but for every fifth one, whose end never comes.
    private static IEnumerable<(BoardTopic Topic, byte[] Value)> Round(int round)
    {
        for (int i = round * VisitsEachRound; i < (round + 1) * VisitsEachRound; i++)
        {
            long at = Noon + (i * Minute);
            string visit = $"visit-{i:D26}", device = $"a4:83:e7:{i:D8}", contact = $"contact-{i % 90}";
            if (i % 5 > 0 && i >= 30)
                yield return (BoardTopic.VisitsEnded, Encoding.UTF8.GetBytes(Ended($"visit-{i - 30:D26}", $"a4:83:e7:{i - 30:D8}", at - (35 * Minute), at)));
            yield return (BoardTopic.WalkIns, Encoding.UTF8.GetBytes(WalkIn(visit, device, at)));
            yield return (BoardTopic.EnrichedWalkIns, Encoding.UTF8.GetBytes(Enriched(visit, device, contact, at)));
            yield return (BoardTopic.WalkInCounts, Encoding.UTF8.GetBytes(Count(contact, 1 + (i / 90), visit, at)));
        }
    }
}
