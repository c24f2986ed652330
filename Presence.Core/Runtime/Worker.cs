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
    public LogResult Init(TimeSpan timeout)
    {
        NoteProgress();
        return _producer.Init(timeout);
    }

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
        if (State is WorkerState.Closed or WorkerState.Failed || HasStoodStill())
            return false;
        long now = Now();
        Volatile.Write(ref _progressAt, now);
        if (State == WorkerState.Closing)
        {
            CloseNext(now);
            return true;
        }

        // 1. Finish what is under way; what is processed meanwhile belongs to the next transaction.
        if (State != WorkerState.Feeding)
        {
            StepTransaction(now);
            bool isAhead = MayFeedAhead();
            if (isAhead)
                FeedAhead();
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
            fetched = _consumers.Poll(this, _options.Bounds.PollRecordsMax, busy ? (_fedLast > 0 ? TimeSpan.Zero : WorkerBounds.IdleWait) : _releasing.Count > 0 ? TimeSpan.Zero : wait);
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
        {
            NoteProgress();
            task.Dispose();
        }

        NoteProgress();
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
            // The others in the next steps: each may take its time.
            return true;
        }

        return true;
    }

    private void Remove(StreamTask task)
    {
        _tasks.Remove(task);
        if (_stopAfterAbort?.Task == task)
            _stopAfterAbort = null;
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

    // Since its last step began.
    private bool HasStoodStill()
    {
        long stood = Now() - ProgressAt;
        if (stood <= WorkerBounds.StandstillMax)
            return false;
        Fail($"it stood still for {TimeSpan.FromMilliseconds(stood):c}: its transactional id may be forgotten, and with it that it was fenced");
        return true;
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

        State = WorkerState.Closing;
    }

    // The fleet is told how far it is: who goes on with it must be about as far.
    private void CloseNext(long now)
    {
        if (_tasks.Count == 0)
        {
            State = WorkerState.Closed;
            return;
        }

        StreamTask task = _tasks[^1];
        _tasks.RemoveAt(_tasks.Count - 1);
        _released.Enqueue((task.Id, task.Close()));
        PublishStatus(now, force: true);
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

    private void NoteProgress() => Volatile.Write(ref _progressAt, Now());

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
