using System.Text;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Tests.Stages;

namespace Presence.Tests.Runtime;

/// <summary>A task whose transaction is on its way while the next one is worked on; and a client that refuses what it is given.</summary>
internal sealed class StreamTaskTests
{
    // Counts how often each key came, and says so.
    private sealed class Counts : IStage
    {
        private byte[] _key = [];

        public static StageDefinition Definition { get; } = new()
        {
            Name = "counts",
            Service = "counts",
            Inputs = ["in"],
            ClockInputs = [0],
            Outputs = ["out"],
            TimerOf = _ => StageDefinition.NoTimer,
            Create = () => new Counts(),
        };

        public Decoded Decode(int input, in LogRecord record, long wallClock)
        {
            _key = record.Key.ToArray();
            return Decoded.At(record.Timestamp);
        }

        public void Process(int input, ITaskContext context)
        {
            if (_key[0] == 'x')
                throw new FormatException("not this one");
            byte count = context.TryGet(_key, out ReadOnlySpan<byte> value) ? value[0] : (byte)0;
            context.Put(_key, [++count]);
            context.Emit(0, _key, Encoding.ASCII.GetBytes($"\"{Encoding.ASCII.GetString(_key)}{count}\""), 0);
        }

        public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context) => throw new NotSupportedException();
    }

    private StageDriver _driver = null!;

    [SetUp]
    public void Open() => _driver = new StageDriver(Counts.Definition);

    [Test]
    public void What_is_fed_while_a_transaction_is_on_its_way_comes_out_with_the_next_one()
    {
        Feed("a", "b");
        _driver.Seal();
        FeedAhead("a", "c");
        _driver.Finish();
        Assert.That(Output(), Is.EqualTo(["a1", "b1"]));
        Assert.That(_driver.Task.IsDirty);

        _driver.Commit();
        Assert.That(Output(), Is.EqualTo(["a1", "b1", "a2", "c1"]));
        Assert.That(_driver.Task.IsDirty, Is.False);
    }

    [Test]
    public void An_abort_takes_back_what_was_fed_since_the_transaction_was_sealed()
    {
        Feed("a");
        _driver.Commit();
        Feed("a");
        _driver.Seal();
        FeedAhead("a");
        _driver.Abort();
        _driver.Run();
        Assert.That(Output(), Is.EqualTo(["a1", "a2", "a3"]));
    }

    [Test]
    public void A_crash_loses_what_was_fed_ahead_and_it_is_done_again([Values] bool loseDisk)
    {
        Feed("a", "a");
        _driver.Seal();
        FeedAhead("a", "a");
        _driver.Finish();
        _driver.Crash(loseDisk);
        _driver.Run();
        Assert.That(Output(), Is.EqualTo(["a1", "a2", "a3", "a4"]));
    }

    [Test]
    public void An_output_that_is_refused_after_a_full_queue_had_held_it_up_does_not_stop_the_task()
    {
        _driver.Refuse = LogStatus.QueueFull;
        _driver.Write(0, "a", "");
        Assert.That(_driver.Process().Outcome, Is.EqualTo(FeedOutcome.Blocked));
        _driver.Refuse = LogStatus.RecordRejected;
        FeedResult result = _driver.Process();
        Assert.That((result.Outcome, result.Log.OutsideCause, _driver.Task.StopReason), Is.EqualTo((FeedOutcome.ProducerFailed, false, (string?)null)));
    }

    [Test]
    public void Each_record_that_fails_is_put_aside_however_many_there_are()
    {
        foreach (string key in (string[])["a", "x1", "b", "x2", "x3", "a"])
            _driver.Write(0, key, "");
        for (int failures = 0; failures < 3; failures++)
        {
            FeedResult result = _driver.Process();
            Assert.That(result.Outcome, Is.EqualTo(FeedOutcome.RecordFailed));
            _driver.Task.Poison(result.Input, result.Offset, result.Reason!);
            _driver.Abort();
        }

        _driver.Run();
        Assert.That(Output(), Is.EqualTo(["a1", "b1", "a2"]));
        Assert.That(_driver.Sent("dead-letter").Select(s => Encoding.ASCII.GetString(s.Key)), Is.EqualTo(["x1", "x2", "x3"]));
    }

    [Test]
    public void What_is_kept_while_a_transaction_is_on_its_way_counts_with_all_that_it_takes()
    {
        for (int i = 0; i < 100; i++)
            _driver.Write(0, "x", "");
        for (int i = 0; i < 100; i++)
            _driver.Task.Poison(0, i, "not this one");
        int before = _driver.Task.DirtyBytes;
        _driver.ProcessAhead();
        Assert.That(_driver.Task.DirtyBytes - before, Is.GreaterThan(100 * 500));
    }

    private void Feed(params string[] keys)
    {
        foreach (string key in keys)
            _driver.Write(0, key, "");
        Assert.That(_driver.Process().Outcome, Is.EqualTo(FeedOutcome.Idle));
    }

    private void FeedAhead(params string[] keys)
    {
        foreach (string key in keys)
            _driver.Write(0, key, "");
        Assert.That(_driver.ProcessAhead().Outcome, Is.EqualTo(FeedOutcome.Idle));
    }

    private string[] Output() => [.. _driver.Output(0).Select(o => (string)o!)];
}
