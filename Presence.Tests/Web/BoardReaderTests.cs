using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Host.Embedded;
using Presence.Host.Web.Board;
using static Presence.Tests.Web.BoardRecords;

namespace Presence.Tests.Web;

[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class BoardReaderTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("presence-board-");
    private readonly WrittenLog _log;

    public BoardReaderTests() => _log = new WrittenLog(new EmbeddedLog(_directory.FullName, TimeProvider.System, sync: false));

    public void Dispose()
    {
        _log.Dispose();
        _directory.Delete(recursive: true);
    }

    [Test]
    public async Task It_begins_shortly_before_the_end()
    {
        await CreateTopics();
        for (int i = 0; i < 20; i++)
            await _log.Write("walk-ins", "d1", WalkIn($"v{i}", "d1", Noon + (i * Minute)));
        Board board = new(new());
        using BoardReader reader = Reader(board, new() { OffsetsBeforeEnd = 6 });
        RunUntil(reader, () => reader.State == "live");

        VenueDocument venue = board.Describe("cafe", "centre", null)!;
        Assert.That(venue.Present, Has.Count.InRange(1, 6));
        Assert.That(venue.Present[0].At, Is.EqualTo(Noon + (19 * Minute)));
    }

    [Test]
    public async Task It_waits_for_topics_that_do_not_exist_and_names_them()
    {
        Board board = new(new());
        using BoardReader reader = Reader(board, new());
        RunUntil(reader, () => reader.Reason?.Contains("walk-ins", StringComparison.Ordinal) == true);
        Assert.That(reader.State, Is.EqualTo("waiting"));

        await CreateTopics();
        await _log.Write("walk-ins", "d1", WalkIn("v1", "d1", Noon));
        RunUntil(reader, () => board.Describe("cafe", "centre", null)?.Present.Count == 1);
        Assert.That(reader.Reason, Is.Null);
    }

    [Test]
    public void It_asks_for_committed_records_alone()
    {
        using BoardReader reader = Reader(new Board(new()), new());
        reader.RunOnce(TimeSpan.Zero);
        Assert.That(_log.ConsumerIsolation, Is.EqualTo(IsolationLevel.ReadCommitted));
    }

    [Test]
    public async Task A_value_that_is_none_of_the_contract_is_passed_over()
    {
        await CreateTopics();
        await _log.Write("walk-ins", "d1", "nonsense");
        await _log.Write("walk-ins", "d1", WalkIn("v1", "d1", Noon));
        Board board = new(new());
        using BoardReader reader = Reader(board, new());
        RunUntil(reader, () => board.Venues(null).Count == 1);
        Assert.That(reader.Ignored, Is.EqualTo(1));
    }

    private BoardReader Reader(Board board, BoardOptions options) => new(board, _log, new TopicNames(), options, TimeProvider.System);

    private Task CreateTopics() => _log.CreateTopics(TopicCatalog.Public(new TopicNames(), 2, null), CancellationToken.None);

    // Nothing but the reader moves here: each turn waits at most a moment.
    private static void RunUntil(BoardReader reader, Func<bool> condition)
    {
        DateTimeOffset end = TimeProvider.System.GetUtcNow().AddSeconds(20);
        while (!condition())
        {
            Assert.That(TimeProvider.System.GetUtcNow(), Is.LessThan(end), $"state {reader.State}, {reader.Reason}");
            reader.RunOnce(TimeSpan.FromMilliseconds(10));
        }
    }
}
