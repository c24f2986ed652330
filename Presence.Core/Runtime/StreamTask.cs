using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>
/// One stage at one partition, restored and running. THE MAP of a record's way:
/// <list type="number">
/// <item>choose: of all inputs the head with the smallest event time, once no input can still hold an earlier one;</item>
/// <item>clock: the record moves its input's clock, the slowest clock input moves the task's;</item>
/// <item>timers: those the clock has passed fire, in order of time;</item>
/// <item>process: the stage reads and writes the task's state (uncommitted, in memory) and emits;</item>
/// <item>emit: what it emitted goes to the producer's open transaction;</item>
/// <item>commit: changed keys and one meta record go to the changelog, positions to the transaction; the worker commits;</item>
/// <item>apply: the same changes and the changelog offset belong to the state now, and go to disk in one batch before long.</item>
/// </list>
/// An abort anywhere before the commit takes steps 1 to 6 back. While a commit is on its way, steps 1 to 4 go on for the
/// next transaction, whose outputs are kept; an abort takes them back too. Owned by one thread.
/// </summary>
public sealed partial class StreamTask : IDisposable
{
    // Wall clock, ms, from the task's start: longer than what feeds an input takes to come up.
    private const long SilentInputWait = 600_000;

    // Idle time that a task with timers may have had since its last commit, ms.
    private const long ClockLag = 60_000;

    private readonly StageDefinition _definition;
    private readonly IStage _stage;
    private readonly TaskStore _store;
    private readonly TaskTopics _topics;
    private readonly BadInputPolicy _policy;
    private readonly RuntimeMetrics _metrics;
    private readonly Outbox _outbox = new();
    private readonly MetaRecord _committed;
    private readonly MetaRecord _current;
    private readonly byte[] _metaBytes;
    private TaskTally _tally;
    private TaskTally _sealedTally;
    private readonly int[] _clockInputs;

    // ClockedAt of each input as of the last commit, and of the transaction on its way: an abort takes back the idle time
    // added since.
    private readonly long[] _clockedAt;
    private readonly long[] _sealedClockedAt;
    private readonly Context _context;
    private long _clock = long.MinValue;
    private long _wallClock;
    private bool _recommit = true;
    private int _changelogCursor;
    private int _waitsFor = -1;

    /// <summary>Takes a restored store and the positions to go on at.</summary>
    public StreamTask(TaskId id, StageDefinition definition, TaskStore store, MetaRecord meta, TaskTopics topics, BadInputPolicy policy, RuntimeMetrics metrics)
    {
        Id = id;
        _definition = definition;
        _stage = definition.Create();
        _store = store;
        _topics = topics;
        _policy = policy;
        _metrics = metrics;
        _committed = meta;
        _current = new MetaRecord(definition.Inputs.Count);
        _metaBytes = new byte[meta.Length];
        _tally = new TaskTally(definition);
        _sealedTally = new TaskTally(definition);
        _clockInputs = [.. definition.ClockInputs];
        _clockedAt = new long[definition.Inputs.Count];
        _sealedClockedAt = new long[definition.Inputs.Count];
        _context = new Context(this);
        Inputs = new TaskInput[definition.Inputs.Count];
        for (int i = 0; i < Inputs.Length; i++)
            Inputs[i] = new TaskInput(new TopicPartition(definition.Inputs[i], id.Partition), meta.NextOffsets[i]);
        LoadClocks();
    }

    public TaskId Id { get; }

    /// <summary>The service's name, whose group holds the positions.</summary>
    public string Service => _definition.Service;

    /// <summary>The changelog partition.</summary>
    public TopicPartition Changelog => _topics.Changelog;

    public TaskInput[] Inputs { get; }

    /// <summary>Why it stands still until an operator decides; null while it runs.</summary>
    public string? StopReason { get; private set; }

    /// <summary>Why it waits; null when it does not.</summary>
    public string? WaitReason => _waitsFor < 0 ? null : $"waits for {Inputs[_waitsFor].Partition}: {Inputs[_waitsFor].Fault ?? "it is not read to its end"}";

    /// <summary>Whether it waits for an input that cannot be read at present.</summary>
    public bool IsHeldUp => _waitsFor >= 0 && Inputs[_waitsFor].Fault is not null;

    /// <summary>The task's clock; null before the first record.</summary>
    public long? Clock => _clock == long.MinValue ? null : _clock;

    /// <summary>Next changelog offset its store would apply.</summary>
    public long ChangelogOffset => _store.ChangelogOffset;

    /// <summary>Whether there is something that a transaction could carry.</summary>
    public bool HasWork
    {
        get
        {
            if (StopReason is not null)
                return false;
            if (!_outbox.IsEmpty || (_clock != long.MinValue && _store.HasDue(_clock)))
                return true;
            foreach (TaskInput input in Inputs)
            {
                if (input.Queue.Count > 0)
                    return true;
            }

            return false;
        }
    }

    /// <summary>Whether a commit would change anything.</summary>
    public bool IsDirty
    {
        get
        {
            if (_recommit || _store.IsDirty)
                return true;
            for (int i = 0; i < Inputs.Length; i++)
            {
                if (Inputs[i].NextOffset != _committed.NextOffsets[i])
                    return true;
            }

            return HasClockRunOn;
        }
    }

    /// <summary>Whether everything readable has been processed.</summary>
    public bool IsAtEnd
    {
        get
        {
            foreach (TaskInput input in Inputs)
            {
                if (!input.IsEmptyAtEnd)
                    return false;
            }

            return true;
        }
    }

    /// <summary>Bytes in memory of what is not committed.</summary>
    public int DirtyBytes => _store.DirtyBytes + _outbox.Bytes;

    /// <summary>Commits the positions anew although they have not changed, so that the log does not forget them.</summary>
    public void RequestRecommit() => _recommit = true;

    /// <summary>Stops it before whatever comes next.</summary>
    public void Stop(string reason) => StopReason ??= reason;

    /// <summary>
    /// Handles at most <paramref name="budget"/> records and timers, steps 1 to 5. Without a producer what is emitted is
    /// kept for the next call that has one.
    /// </summary>
    public FeedResult Feed(int budget, long wallClock, ITransactionalProducer? producer)
    {
        _wallClock = wallClock;
        int handled = 0;
        FeedResult failed = default;
        if (producer is not null && !TryDrainKept(producer, out failed))
            return failed;
        // Whenever the clock moves, all that was due before has fired.
        if (!_store.HasDue(_clock))
            AddIdleTime();
        while (true)
        {
            // Timers that idle time has made due, or that were left over when the budget ended.
            FeedResult timers = FireTimers(producer, budget, ref handled);
            if (timers.Outcome != FeedOutcome.Idle)
                return timers;
            if (StopReason is not null)
                return new FeedResult(FeedOutcome.Stopped, handled, Reason: StopReason);
            if (handled >= budget)
                return new FeedResult(FeedOutcome.Budget, handled);

            // 1. choose
            int chosen = Choose(out int waitsFor);
            if (chosen < 0)
            {
                SkipMarkers();
                _waitsFor = waitsFor;
                return new FeedResult(waitsFor < 0 ? FeedOutcome.Idle : FeedOutcome.Waiting, handled, Input: waitsFor);
            }

            _waitsFor = -1;
            TaskInput input = Inputs[chosen];
            if (!input.Head.IsGood || (input.Poisoned.Count > 0 && input.Poisoned.ContainsKey(input.Queue.Peek().Offset)))
            {
                if (!SetAside(input, producer, handled, out FeedResult aside))
                    return aside;
                handled++;
                continue;
            }

            // 2. clock
            if (input.Head.MovesClock)
            {
                MoveClock(input, input.Head.EventTime);

                // 3. timers
                timers = FireTimers(producer, budget, ref handled);
                if (timers.Outcome != FeedOutcome.Idle)
                    return timers;
            }

            // 4. process
            try
            {
                _stage.Process(chosen, _context);
            }
#pragma warning disable CA1031 // Whatever a record makes a stage throw concerns that record alone.
            catch (Exception e) when (e is not StoreException)
#pragma warning restore CA1031
            {
                return new FeedResult(FeedOutcome.RecordFailed, handled, Reason: $"{e.GetType().Name}: {e.Message}", Input: chosen, Offset: HeadOffset(chosen));
            }

            Advance(input);
            _tally.Processed();
            handled++;

            // 5. emit
            if (!TryDrain(producer, handled, chosen, out failed))
                return failed;
        }
    }

    private long HeadOffset(int input) => Inputs[input].Queue.Count == 0 ? -1 : Inputs[input].Queue.Peek().Offset;

    /// <summary>Begins to write what is committed to the disk. Throws <see cref="StoreException"/>: it must then be closed and taken over anew.</summary>
    public void BeginWriteStore() => _store.BeginWrite();

    /// <summary>Goes on with what is on its way to the disk. Throws <see cref="StoreException"/>: the task must then be closed and taken over anew.</summary>
    public void EndWriteStore() => _store.EndWrite(wait: false);

    /// <summary>Closes it, with all that is committed on disk. Returns how far the copy on disk is.</summary>
    public long Close()
    {
        try
        {
            _store.Write();
        }
        catch (StoreException)
        {
            // The copy on disk is older, and says so; whoever opens it next replays the rest.
        }

        _store.Dispose();
        return _store.WrittenOffset;
    }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();

    private int Choose(out int waitsFor)
    {
        waitsFor = -1;
        int chosen = -1;
        long earliest = long.MaxValue;
        int notAtEnd = -1;
        for (int i = 0; i < Inputs.Length; i++)
        {
            TaskInput input = Inputs[i];
            if (input.Queue.Count == 0)
            {
                input.Recover();
                if (!input.IsEmptyAtEnd)
                    notAtEnd = i;
                continue;
            }

            if (!input.HeadDecoded)
            {
                input.Head = _stage.Decode(i, input.Queue.Peek(), _wallClock);
                input.HeadDecoded = true;
            }

            // What cannot be decoded has no time of its own: it goes first, so that it holds nothing up.
            long time = input.Head.IsGood ? input.Head.EventTime : long.MinValue;
            if (chosen < 0 || time < earliest)
            {
                chosen = i;
                earliest = time;
            }
        }

        if (notAtEnd < 0 || (chosen >= 0 && earliest == long.MinValue))
            return chosen;
        if (chosen >= 0 || Inputs[notAtEnd].Fault is not null)
            waitsFor = notAtEnd;
        return -1;
    }

    private FeedResult FireTimers(ITransactionalProducer? producer, int budget, ref int handled)
    {
        if (_clock == long.MinValue || !_store.HasDue(_clock))
            return default;
        while (handled < budget && _store.TryTakeDue(_clock, out long time, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            try
            {
                _stage.OnTimer(key, value, _context);
                _store.AssertMoved(key, time);
            }
#pragma warning disable CA1031 // A timer belongs to no record that could be put aside: the task stops and says so.
            catch (Exception e) when (e is not StoreException)
#pragma warning restore CA1031
            {
                return new FeedResult(FeedOutcome.Stopped, handled, Reason: $"a timer failed: {e.GetType().Name}: {e.Message}");
            }

            handled++;
            if (!TryDrain(producer, handled, -1, out FeedResult failed))
                return failed;
        }

        return _store.HasDue(_clock) ? new FeedResult(FeedOutcome.Budget, handled) : default;
    }

    // Whose outputs these are is not known any more: one that is rejected is looked for as any other that cannot be committed.
    private bool TryDrainKept(ITransactionalProducer producer, out FeedResult failed)
    {
        LogResult result = _outbox.Drain(producer);
        failed = result.Status switch
        {
            LogStatus.Ok => default,
            LogStatus.QueueFull or LogStatus.TimedOut => new FeedResult(FeedOutcome.Blocked, 0, result),
            _ => new FeedResult(FeedOutcome.ProducerFailed, 0, result),
        };
        return result.IsOk;
    }

    private bool TryDrain(ITransactionalProducer? producer, int handled, int input, out FeedResult failed)
    {
        failed = default;
        if (producer is null || _outbox.IsEmpty)
            return true;
        LogResult result = _outbox.Drain(producer);
        if (result.IsOk)
            return true;
        failed = result.Status switch
        {
            LogStatus.QueueFull or LogStatus.TimedOut => new FeedResult(FeedOutcome.Blocked, handled, result),
            LogStatus.RecordRejected when input >= 0 => new FeedResult(FeedOutcome.RecordFailed, handled, result, $"its output was rejected: {result.Reason}", input, Inputs[input].NextOffset - 1),
            LogStatus.RecordRejected => new FeedResult(FeedOutcome.Stopped, handled, result, $"an output was rejected: {result.Reason}"),
            _ => new FeedResult(FeedOutcome.ProducerFailed, handled, result),
        };
        return false;
    }

    private void Advance(TaskInput input)
    {
        LogRecord record = input.Queue.Peek();
        if (input.CorruptFrom >= 0 && record.Offset > input.CorruptFrom)
            ReportCorrupt(input, record.Offset);
        input.NextOffset = record.Offset + 1;
        input.LastTimestamp = record.Timestamp;
        input.ClockedAt = _wallClock;
        input.Queue.Dequeue();
        input.HeadDecoded = false;
    }

    // A good position past trailing commit markers, so that every tool shows lag 0.
    private void SkipMarkers()
    {
        foreach (TaskInput input in Inputs)
        {
            if (input.Queue.Count > 0 || input.EndPosition <= input.NextOffset)
                continue;
            if (input.CorruptFrom >= 0)
                ReportCorrupt(input, input.EndPosition);
            input.NextOffset = input.EndPosition;
        }
    }
}
