using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>
/// Owns one consumer, one transactional producer and a set of tasks, and drives them by <see cref="RunOnce"/>, which
/// one thread calls. Other threads may call <see cref="Add"/>, <see cref="RequestStop"/>, and read what is published.
/// </summary>
public sealed partial class Worker : ILogReceiver, IDisposable
{
    private readonly ConsumerSet _consumers;
    private readonly ITransactionalProducer _producer;
    private readonly InstanceOptions _options;
    private readonly TimeProvider _time;
    private readonly RuntimeMetrics _metrics;
    private readonly Lifecycle _lifecycle;
    private readonly ILogger _logger;
    private readonly ConcurrentQueue<StreamTask> _arriving = new();
    private readonly ConcurrentQueue<TaskLost> _lost = new();
    private readonly ConcurrentQueue<TaskId> _leaving = new();
    private readonly ConcurrentQueue<(TaskId Task, long ChangelogOffset)> _released = new();
    private readonly HashSet<TaskId> _releasing = [];
    private readonly List<StreamTask> _tasks = [];
    private readonly List<(StreamTask Task, int Input)?> _slots = [];
    private readonly List<(StreamTask Task, string Reason, bool IsDamaged)> _doomed = [];
    private readonly HashSet<int> _full = [];
    private long _lastCommit;
    private TimeSpan _commitTook;
    private long _writeTurnAt;
    private int _writeTurn;
    private long _nextRecommit;
    private long _nextStatus;
    private long _nextWatch;
    private const long HeldLimit = 45_000;
    private int _fedLast;
    private int _aheadTurn;
    private string? _abortAhead;
    private bool _isBehind;
    private bool _isMoreToFeed;
    private bool _stopping;
    private volatile bool _stopRequested;
    private volatile string? _failure;
    private volatile IReadOnlyList<TaskStatus> _status = [];
    private long _progressAt;

    /// <summary>Creates consumer and producer; <see cref="Init"/> comes next.</summary>
    public Worker(int index, string transactionalId, ILog log, InstanceOptions options, TimeProvider time, RuntimeMetrics metrics, Lifecycle lifecycle, ILogger logger)
    {
        Index = index;
        TransactionalId = transactionalId;
        _options = options;
        _time = time;
        _metrics = metrics;
        _lifecycle = lifecycle;
        _logger = logger;
        _consumers = new ConsumerSet(n => log.CreateConsumer($"{options.ApplicationId}-{options.InstanceId}-worker-{index}-{n}", IsolationLevel.ReadCommitted));
        _producer = log.CreateProducer(transactionalId);
        _lastCommit = time.GetTimestamp();
        _nextRecommit = Now() + (long)options.RecommitInterval.TotalMilliseconds;
        _progressAt = Now();
    }

    public int Index { get; }

    public string TransactionalId { get; }

    /// <summary>Where it is; published.</summary>
    public WorkerState State { get; private set; } = WorkerState.Feeding;

    /// <summary>What the producer died of; null while it lives.</summary>
    public string? Failure => _failure;

    /// <summary>Its tasks, as of at most half a second ago.</summary>
    public IReadOnlyList<TaskStatus> Status => _status;

    /// <summary>Wall clock of its last step, ms.</summary>
    public long ProgressAt => Volatile.Read(ref _progressAt);

    /// <summary>Takes the transactional id; repeated until it is not TimedOut.</summary>
    public LogResult Init(TimeSpan timeout) => _producer.Init(timeout);

    /// <summary>Learns of the topics it may have to read; one that several stages read is named as often. Before its first step.</summary>
    public void Prepare(IEnumerable<string> topics) => _consumers.Prepare(topics);

    /// <summary>Hands a restored task over.</summary>
    public void Add(StreamTask task)
    {
        _arriving.Enqueue(task);
        _consumers.Wake();
    }

    /// <summary>Asks it to commit what is done of a task, and to close that.</summary>
    public void Release(TaskId task)
    {
        _leaving.Enqueue(task);
        _consumers.Wake();
    }

    /// <summary>A task that was asked for and is closed: its last transaction is known to be committed or aborted.</summary>
    public bool TryTakeReleased(out TaskId task, out long changelogOffset)
    {
        bool taken = _released.TryDequeue(out var released);
        (task, changelogOffset) = released;
        return taken;
    }

    /// <summary>Asks it to commit what is done and to close.</summary>
    public void RequestStop()
    {
        _stopRequested = true;
        _consumers.Wake();
    }

    /// <summary>Tasks that were closed and need takeover.</summary>
    public bool TryTakeLost(out TaskLost lost) => _lost.TryDequeue(out lost!);

    /// <summary>
    /// One step; waits at most <paramref name="wait"/> when there is nothing to do. Returns whether anything was done:
    /// where not, whoever drives it pauses a moment, as a call may be refused at once, again and again.
    /// </summary>
    public bool RunOnce(TimeSpan wait)
    {
        long now = Now();
        Volatile.Write(ref _progressAt, now);
        if (State is WorkerState.Closed or WorkerState.Failed)
            return false;

        // 1. Finish what is under way; what is processed meanwhile belongs to the next transaction.
        if (State != WorkerState.Feeding)
        {
            StepTransaction(now);
            bool isAhead = MayFeedAhead();
            if (isAhead)
                FeedAhead(now);
            PublishStatus(now, force: false);
            return State == WorkerState.Feeding || (isAhead && _fedLast > 0);
        }

        // 2. Orders.
        TakeArrivals();
        while (_leaving.TryDequeue(out TaskId leaving))
            _releasing.Add(leaving);
        if (_releasing.Count > 0 && !StepReleases(now))
            return true;
        if (_stopRequested)
        {
            Stop(now);
            return true;
        }

        // 3. Fetch, when what came before has been worked off. Wait only when nothing is left to do and nothing to commit.
        bool busy = _fedLast > 0 || IsDirty();
        int fetched = 0;
        if (!_isMoreToFeed)
            fetched = _consumers.Poll(this, _options.Bounds.PollRecordsMax, busy ? (_fedLast > 0 ? TimeSpan.Zero : WorkerBounds.IdleWait) : wait);
        if (State != WorkerState.Feeding)
            return true;

        // 4. Feed.
        WriteStores();
        _fedLast = FeedTasks(now = Now());
        BoundQueues();
        WatchInputs(now);
        PassIdleSuspect();

        // 5. Commit, when the interval is over, a bound is hit, or nothing else is to be done.
        bool idle = fetched == 0 && _fedLast == 0;
        if (State == WorkerState.Feeding && IsCommitDue(now, idle))
        {
            _isBehind = !idle;
            BeginCommit(now);
        }

        PublishStatus(now, force: false);
        return fetched > 0 || _fedLast > 0 || State != WorkerState.Feeding;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (StreamTask task in _tasks)
            task.Dispose();
        _tasks.Clear();
        while (_arriving.TryDequeue(out StreamTask? task))
            task.Dispose();
        _consumers.Dispose();
        _producer.Dispose();
    }

    void ILogReceiver.OnRecord(int slot, in LogRecord record)
    {
        if (_slots[slot] is var (task, input))
        {
            task.Inputs[input].OnRecord(record);
            task.Inputs[input].HeardAt = ProgressAt;
        }
    }

    void ILogReceiver.OnEnd(int slot, long position, long highWatermark)
    {
        if (_slots[slot] is var (task, input))
        {
            task.Inputs[input].OnEnd(position);
            task.Inputs[input].HeardAt = ProgressAt;
        }
    }

    void ILogReceiver.OnFault(int slot, LogFault fault, long offset, string detail)
    {
        if (_slots[slot] is var (task, input))
            _faults.Enqueue((task, input, fault, offset, detail));
    }

    private readonly Queue<(StreamTask Task, int Input, LogFault Fault, long Offset, string Detail)> _faults = new();

    private void HandleFaults(long now)
    {
        while (_faults.TryDequeue(out var item))
        {
            (StreamTask task, int index, LogFault fault, long offset, string detail) = item;
            if (!_tasks.Contains(task))
                continue;
            TaskInput input = task.Inputs[index];
            switch (fault)
            {
                case LogFault.Unreachable:
                    input.OnUnreachable(detail, now);
                    break;
                case LogFault.CorruptBatch:
                    _logger.CorruptBatch(task.Id.ToString(), input.Partition.ToString(), offset, detail);
                    if (task.OnCorrupt(index, offset))
                        Read(task, index);
                    break;
                default:
                    // Out of range, gone, not allowed: takeover decides with a fresh view of the log.
                    Doom(task, $"{input.Partition} cannot be read at offset {offset}: {detail}");
                    break;
            }
        }
    }

    private int FeedTasks(long now)
    {
        HandleFaults(now);
        int handled = 0;
        _isMoreToFeed = false;
        for (int i = 0; i < _tasks.Count && State == WorkerState.Feeding; i++)
        {
            StreamTask task = _tasks[i];
            if (task.StopReason is not null || (_mode != FeedMode.All && i != _suspect) || (_releasing.Count > 0 && _releasing.Contains(task.Id)))
                continue;
            if (_open && _mode == FeedMode.OneRecord && task.IsDirty)
                continue;
            // Always: a clock that runs on in an idle task may make a timer due. An open transaction costs nothing as
            // long as nothing is sent.
            if (!_open && !TryBegin())
                break;

            handled += Feed(task, _mode == FeedMode.OneRecord ? 1 : _options.Bounds.FeedMax, now, _producer);
        }

        if (_doomed.Count > 0 && State == WorkerState.Feeding)
            BeginAbort("a task of this worker must be taken over anew", outsideCause: true);
        return handled;
    }

    // Whether the next transaction may be worked on while this one is on its way. Who keeps up leaves the processors to the
    // commit: it is done sooner, which is all that its readers wait for.
    private bool MayFeedAhead() =>
        _isBehind && State is WorkerState.Offsets or WorkerState.Committing
        && _mode == FeedMode.All && _abortAhead is null && _doomed.Count == 0
        && !_stopRequested && _releasing.Count == 0 && _leaving.IsEmpty
        && DirtyBytes() < _options.Bounds.DirtyBytesMax;

    // Little at a time: the transaction has one call after the other to make, and must not wait long for any. Nothing leaves
    // the process: what the tasks emit is kept until the transaction is known to be committed, or is dropped with it.
    private void FeedAhead(long now)
    {
        if (!_isMoreToFeed)
            _consumers.Poll(this, _options.Bounds.PollRecordsMax, TimeSpan.Zero);
        HandleFaults(now);
        if (State == WorkerState.Committing)
            WriteStores();
        int left = Math.Min(WorkerBounds.FeedAheadMax, _options.Bounds.FeedMax);
        for (int turns = _tasks.Count; turns > 0 && left > 0 && MayFeedAhead(); turns--)
        {
            _aheadTurn = (_aheadTurn + 1) % _tasks.Count;
            if (_tasks[_aheadTurn].StopReason is null)
                left -= Feed(_tasks[_aheadTurn], left, now, producer: null);
        }

        _isMoreToFeed = left <= 0;
        _fedLast = Math.Min(WorkerBounds.FeedAheadMax, _options.Bounds.FeedMax) - left;
        BoundQueues();
    }

    private int Feed(StreamTask task, int budget, long now, ITransactionalProducer? producer)
    {
        FeedResult result;
        try
        {
            result = task.Feed(budget, now, producer);
        }
        catch (StoreException e)
        {
            Doom(task, $"its store failed: {e.Message}", e.IsCorruption);
            return 0;
        }

        switch (result.Outcome)
        {
            case FeedOutcome.Budget:
                _isMoreToFeed = true;
                break;
            case FeedOutcome.ProducerFailed:
                OnProducerFailed(result.Log);
                break;
            case FeedOutcome.RecordFailed:
                TaskInput input = task.Inputs[result.Input];
                _logger.RecordFailed(task.Id.ToString(), input.Partition.ToString(), result.Offset, result.Reason!);
                task.Poison(result.Input, result.Offset, result.Reason!);
                TakeBack(result.Reason!);
                break;
            case FeedOutcome.Stopped when task.StopReason is null:
                // It stopped in the middle of a change: take that back first.
                _stopAfterAbort = (task, result.Reason!);
                TakeBack(result.Reason!);
                break;
            case FeedOutcome.Stopped:
                _lifecycle.TaskStopped(task.Id, task.StopReason!);
                break;
        }

        return result.Records;
    }

    // What was fed ahead is taken back when the transaction before it has come to its end.
    private void TakeBack(string reason)
    {
        if (State == WorkerState.Feeding)
            BeginAbort(reason, outsideCause: true);
        else
            _abortAhead = reason;
    }

    private void Doom(StreamTask task, string reason, bool isDamaged = false)
    {
        if (!_doomed.Exists(d => d.Task == task))
            _doomed.Add((task, reason, isDamaged));
    }

    private void RemoveDoomed()
    {
        foreach ((StreamTask task, string reason, bool isDamaged) in _doomed)
        {
            _lifecycle.TaskLost(task.Id, reason);
            Remove(task);
            task.Dispose();
            _lost.Enqueue(new TaskLost(task.Id, reason, isDamaged));
        }

        _doomed.Clear();
    }

    private void TakeArrivals()
    {
        while (_arriving.TryDequeue(out StreamTask? task))
        {
            _tasks.Add(task);
            long now = Now();
            task.StartClocks(now);
            for (int i = 0; i < task.Inputs.Length; i++)
            {
                int slot = _slots.IndexOf(null);
                if (slot < 0)
                {
                    slot = _slots.Count;
                    _slots.Add(null);
                }

                _slots[slot] = (task, i);
                Read(task, i);
            }

            _lifecycle.TaskRuns(task.Id, Index);
            PublishStatus(now, force: true);
        }
    }

    // Closes what is to leave once nothing of it is uncommitted; false when a commit has begun for that.
    private bool StepReleases(long now)
    {
        foreach (TaskId id in _releasing.ToList())
        {
            if (_tasks.Find(t => t.Id == id) is not { } task)
            {
                // It was lost before.
                _releasing.Remove(id);
                _released.Enqueue((id, -1));
                continue;
            }

            if (task.IsDirty)
            {
                // A search for a culprit goes on first; nothing more is fed to this one.
                if (_mode != FeedMode.All)
                    continue;
                BeginCommit(now);
                return State == WorkerState.Feeding;
            }

            Remove(task);
            long offset = task.Close();
            _releasing.Remove(id);
            _released.Enqueue((id, offset));
            _lifecycle.TaskReleased(id);
            PublishStatus(now, force: true);
        }

        return true;
    }

    private void Remove(StreamTask task)
    {
        _tasks.Remove(task);
        for (int i = 0; i < _slots.Count; i++)
        {
            if (_slots[i]?.Task != task)
                continue;
            _slots[i] = null;
            _consumers.Remove(i);
            _full.Remove(i);
        }
    }

    // From where its queue ends.
    private void Read(StreamTask task, int input)
    {
        int slot = SlotOf(task, input);
        _full.Remove(slot);
        task.Inputs[input].HeardAt = ProgressAt;
        _consumers.Add(slot, task.Inputs[input].Partition, task.Inputs[input].FetchPosition);
    }

    private int SlotOf(StreamTask task, int input) => _slots.FindIndex(s => s?.Task == task && s?.Input == input);

    // Each store has its turn once in the interval, one after the other: all of them at once would hold records up for as
    // long as all of them take.
    private void WriteStores()
    {
        TimeSpan interval = _options.StoreBounds.WriteInterval;
        for (int turns = _tasks.Count; turns > 0 && _time.GetElapsedTime(_writeTurnAt) >= interval / _tasks.Count; turns--)
        {
            _writeTurnAt = turns == 1 ? _time.GetTimestamp() : _writeTurnAt + (long)(interval.TotalSeconds / _tasks.Count * _time.TimestampFrequency);
            _writeTurn = (_writeTurn + 1) % _tasks.Count;
            StreamTask task = _tasks[_writeTurn];
            try
            {
                task.WriteStore();
            }
            catch (StoreException e)
            {
                Doom(task, $"its store failed: {e.Message}", e.IsCorruption);
            }
        }
    }

    // Only a task that waits for another input lets a queue grow: everything else is processed as it comes.
    private void BoundQueues()
    {
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            if (_slots[slot] is not var (task, input))
                continue;
            int waiting = task.Inputs[input].Queue.Count;
            bool isFull = _full.Contains(slot);
            if (!isFull && waiting > _options.Bounds.QueueRecordsMax)
            {
                _consumers.Remove(slot);
                task.Inputs[input].OnLeft();
                _full.Add(slot);
            }
            else if (isFull && waiting < _options.Bounds.QueueRecordsResume)
            {
                Read(task, input);
            }
        }
    }

    // The broker ends a transaction that is open for longer than its time-out; one that stays open is its fault.
    private void WatchInputs(long now)
    {
        if (now < _nextWatch)
            return;
        _nextWatch = now + (HeldLimit / 8);
        foreach (StreamTask task in _tasks)
        {
            foreach (TaskInput input in task.Inputs)
            {
                bool isHeld = input.IsHeldSince(now - HeldLimit);
                if (isHeld && !input.IsHeld)
                    _logger.InputHeld(task.Id.ToString(), input.Partition.ToString(), input.FetchPosition, input.KnownEnd.Offset);
                input.IsHeld = isHeld;
            }
        }
    }

    // Whether a commit of what the present mode lets through would change anything.
    private bool IsDirty()
    {
        for (int i = 0; i < _tasks.Count; i++)
        {
            if ((_mode == FeedMode.All || i == _suspect) && _tasks[i].IsDirty)
                return true;
        }

        return false;
    }

    private bool IsCommitDue(long now, bool idle)
    {
        if (now >= _nextRecommit)
        {
            _nextRecommit = now + (long)_options.RecommitInterval.TotalMilliseconds;
            foreach (StreamTask task in _tasks)
                task.RequestRecommit();
        }

        if (!IsDirty())
            return false;
        // With nothing else to do early, but not so often that commits take more than half of the time: the log has as much
        // work with them.
        TimeSpan since = _time.GetElapsedTime(_lastCommit);
        return _mode != FeedMode.All || since >= _options.CommitInterval || (idle && since >= _commitTook)
            || DirtyBytes() >= _options.Bounds.DirtyBytesMax;
    }

    private long DirtyBytes()
    {
        long bytes = 0;
        foreach (StreamTask task in _tasks)
            bytes += task.DirtyBytes;
        return bytes;
    }

    private void Stop(long now)
    {
        if (_open || (!_stopping && IsDirty()))
        {
            _stopping = true;
            BeginCommit(now);
            return;
        }

        // The fleet is told how far they are: who goes on with them must be about as far.
        foreach (StreamTask task in _tasks)
            _released.Enqueue((task.Id, task.Close()));
        _tasks.Clear();
        PublishStatus(now, force: true);
        State = WorkerState.Closed;
    }

    private void PublishStatus(long now, bool force)
    {
        if (!force && now < _nextStatus)
            return;
        _nextStatus = now + 250;
        List<TaskStatus> status = new(_tasks.Count);
        foreach (StreamTask task in _tasks)
        {
            TaskStatus described = task.Describe(Index, now);
            if (_unansweredSince > 0 && now - _unansweredSince > 1_000)
                described = described with { Reason = $"waits for the log to answer ({State}, {(now - _unansweredSince) / 1000} s): {_unanswered}" };
            status.Add(described);
        }

        _status = status;
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
