using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>
/// Takes tasks over, and keeps the copies of others up with their changelogs, side by side, with a consumer of its own;
/// while a task that is to run has much to replay, those that only follow wait. Driven by <see cref="RunOnce"/>, which one thread
/// calls; other threads may give orders and take results.
/// </summary>
public sealed class Restorer : ILogReceiver, IDisposable
{
    private const int PollRecordsMax = 20_000;

    // Records: a tail that is shorter is read in a moment, and nobody need wait for it.
    private const long LongReplay = 10_000;

    // Of one replay; more gains little.
    private const int BatchBytesMax = 32 * 1024 * 1024;

    private static readonly TimeSpan StatusInterval = TimeSpan.FromMilliseconds(50);

    private readonly ILog _log;
    private readonly InstanceOptions _options;
    private readonly IStateStoreProvider _stores;
    private readonly TimeProvider _time;
    private readonly RuntimeMetrics _metrics;
    private readonly Lifecycle _lifecycle;
    private readonly ILogger _logger;
    private readonly ConcurrentQueue<(TaskId Task, TakeoverGoal? Goal, TakeoverRequest? Request)> _orders = new();
    private readonly ConcurrentQueue<TaskId> _toDelete = new();
    private readonly List<TaskId> _deleting = [];
    private readonly ConcurrentQueue<TaskId> _deleted = new();
    private readonly ConcurrentQueue<(StreamTask Task, int Worker)> _ready = new();
    private readonly ConcurrentQueue<(TaskId Task, long ChangelogOffset)> _dropped = new();
    private readonly List<Takeover?> _takeovers = [];
    private readonly HashSet<int> _reading = [];
    private readonly CancellationTokenSource _cancellation = new();
    private ILogConsumer? _consumer;
    private volatile IReadOnlyList<TaskStatus> _status = [];
    private bool _followersWait;
    private int _looksAsked;
    private int _looking;
    private long _progressAt;
    private volatile DiskWait? _diskWait;
    private long _statusAt;
    private volatile bool _isLeaving;
    private bool _disposed;

    /// <summary>Touches the log with <see cref="Prepare"/> or the first order.</summary>
    public Restorer(ILog log, InstanceOptions options, IStateStoreProvider stores, TimeProvider time, RuntimeMetrics metrics, Lifecycle lifecycle, ILogger logger)
    {
        _log = log;
        _options = options;
        _stores = stores;
        _time = time;
        _metrics = metrics;
        _lifecycle = lifecycle;
        _logger = logger;
        _progressAt = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>Takeovers under way or stopped, and copies that follow.</summary>
    public IReadOnlyList<TaskStatus> Status => _status;

    /// <summary>Whether copies on the disk are still to be looked at.</summary>
    public bool IsLooking => Volatile.Read(ref _looksAsked) + Volatile.Read(ref _looking) > 0;

    /// <summary>Wall clock of its last step, ms.</summary>
    public long ProgressAt => Volatile.Read(ref _progressAt);

    /// <summary>
    /// Which store's disk has been waited for longest, as of the last step; null where none is. It holds nobody else up, but
    /// a disk that does not answer must be seen.
    /// </summary>
    public DiskWait? DiskWait => _diskWait;

    /// <summary>
    /// Lets the client learn who leads the changelogs of these stages and who coordinates their groups, so that no takeover
    /// waits for that. Before the first step.
    /// </summary>
    public void Prepare(IEnumerable<StageDefinition> stages)
    {
        foreach (StageDefinition stage in stages)
        {
            Consumer.Prepare(TopicCheck.ChangelogOf(_options, stage));
            // The answer is of no use, and neither is a refusal: who needs it asks again.
            _ = _log.Admin.CommittedOffsets(_options.GroupOf(stage.Service), [new TopicPartition(stage.Inputs[0], 0)], _cancellation.Token)
                .ContinueWith(asked => _ = asked.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>Asks for a takeover.</summary>
    public void Run(TakeoverRequest request) => _orders.Enqueue((request.Task, TakeoverGoal.Run, request));

    /// <summary>Asks to follow a task's changelog.</summary>
    public void Follow(TakeoverRequest request) => _orders.Enqueue((request.Task, TakeoverGoal.Follow, request));

    /// <summary>Asks how far the copy on the disk is.</summary>
    public void Look(TakeoverRequest request)
    {
        Interlocked.Increment(ref _looksAsked);
        _orders.Enqueue((request.Task, TakeoverGoal.Look, request));
    }

    /// <summary>Asks to close whatever there is of a task; its copy stays on the disk.</summary>
    public void Drop(TaskId task) => _orders.Enqueue((task, null, null));

    /// <summary>Asks to delete a copy that is not open, or only looked at.</summary>
    public void Delete(TaskId task) => _toDelete.Enqueue(task);

    /// <summary>A copy that has been deleted.</summary>
    public bool TryTakeDeleted(out TaskId task) => _deleted.TryDequeue(out task);

    /// <summary>A task that is ready for its worker.</summary>
    public bool TryTakeReady(out StreamTask task, out int worker)
    {
        bool taken = _ready.TryDequeue(out var ready);
        (task, worker) = ready;
        return taken;
    }

    /// <summary>A task that was to be dropped and is closed, with how far its copy is (-1: not known). None comes for one that is ready already.</summary>
    public bool TryTakeDropped(out TaskId task, out long changelogOffset)
    {
        bool taken = _dropped.TryDequeue(out var dropped);
        (task, changelogOffset) = dropped;
        return taken;
    }

    /// <summary>Its step is the last one, and may be cut short between two tasks. Any thread.</summary>
    public void Leave() => _isLeaving = true;

    /// <summary>Whether nothing is under way but what waits for an operator.</summary>
    public bool IsIdle { get; private set; } = true;

    /// <summary>
    /// One step; waits at most <paramref name="wait"/> for changelog records. Returns whether it got on or has waited:
    /// where not, whoever drives it pauses a moment, as everything waits for answers.
    /// </summary>
    public bool RunOnce(TimeSpan wait)
    {
        NoteProgress();
        bool moved = !_orders.IsEmpty;
        int looks = 0;
        TakeDeletions();
        while (!_isLeaving && _orders.TryDequeue(out var order))
        {
            NoteProgress();
            Obey(order.Task, order.Goal, order.Request);
            looks += order.Goal == TakeoverGoal.Look ? 1 : 0;
        }

        if (_deleting.Count > 0)
        {
            // One in each step: with hundreds of them nobody else would have a turn for long.
            NoteProgress();
            moved = true;
            DeleteCopy(_deleting[0]);
            _deleting.RemoveAt(0);
        }

        _followersWait = _takeovers.Exists(t => t is { Goal: TakeoverGoal.Run } && IsLong(t));
        int batchBytes = BatchBytesOfEach();
        Takeover? waiting = null;
        for (int slot = 0; slot < _takeovers.Count && !_isLeaving; slot++)
        {
            if (_takeovers[slot] is not { } takeover)
                continue;
            takeover.LimitBatch(batchBytes);
            // Before the step too: one that begins anew must not go on with the old position.
            FollowReading(slot, takeover);
            // One step of many may wait for the disk.
            NoteProgress();
            TakeoverState before = takeover.State;
            takeover.Step(_cancellation.Token);
            if (takeover.DiskWaited > (waiting?.DiskWaited ?? TimeSpan.Zero))
                waiting = takeover;
            FollowReading(slot, takeover);
            moved |= takeover.State != before;
            if (takeover.State == TakeoverState.Nothing)
                _takeovers[slot] = null;
            if (takeover.State != TakeoverState.Done)
                continue;
            _takeovers[slot] = null;
            _ready.Enqueue((takeover.Result!, takeover.Request.Worker));
        }

        _diskWait = waiting is null ? null : new DiskWait(waiting.Request.Task, waiting.State, waiting.DiskWaited);
        NoteProgress();
        // Whoever sees that nothing is looked at any more sees what was found.
        int looking = _takeovers.Count(t => t is { IsLooking: true });
        if (looks > 0 || looking < _looking)
            Publish();
        Volatile.Write(ref _looking, looking);
        if (looks > 0)
            Interlocked.Add(ref _looksAsked, -looks);
        if (_reading.Count > 0)
            _consumer!.Poll(this, PollRecordsMax, wait);
        if (moved || _time.GetElapsedTime(_statusAt) >= StatusInterval)
            Publish();
        IsIdle = _reading.Count == 0 && !_takeovers.Exists(t => t is { State: not (TakeoverState.Stopped or TakeoverState.Following) });
        return moved || _reading.Count > 0;
    }

    void ILogReceiver.OnRecord(int slot, in LogRecord record) => _takeovers[slot]?.OnRecord(record);

    void ILogReceiver.OnEnd(int slot, long position, long highWatermark) => _takeovers[slot]?.OnEnd(position, highWatermark);

    void ILogReceiver.OnFault(int slot, LogFault fault, long offset, string detail) => _takeovers[slot]?.OnFault(fault, offset, detail);

    /// <inheritdoc/>
    public void Dispose()
    {
        // An instance that has stopped is disposed afterwards.
        if (_disposed)
            return;
        _disposed = true;
        _cancellation.Cancel();
        // From the last one: what no thread has begun to open need not be waited for.
        for (int slot = _takeovers.Count - 1; slot >= 0; slot--)
        {
            NoteProgress();
            _takeovers[slot]?.Dispose();
        }

        while (_ready.TryDequeue(out var ready))
            ready.Task.Dispose();
        _consumer?.Dispose();
        _cancellation.Dispose();
    }

    private void NoteProgress() => Volatile.Write(ref _progressAt, _time.GetUtcNow().ToUnixTimeMilliseconds());

    private ILogConsumer Consumer => _consumer ??= _log.CreateConsumer($"{_options.ApplicationId}-{_options.InstanceId}-restore", IsolationLevel.ReadCommitted);

    private void Obey(TaskId task, TakeoverGoal? goal, TakeoverRequest? request)
    {
        int slot = _takeovers.FindIndex(t => t?.Request.Task == task);
        Takeover? known = slot < 0 ? null : _takeovers[slot];
        if (goal is null)
        {
            if (known is null)
                return;
            StopReading(slot, known);
            long written = known.Written;
            known.Dispose();
            _takeovers[slot] = null;
            _dropped.Enqueue((task, written));
            return;
        }

        if (known is { State: not TakeoverState.Stopped })
        {
            if (goal == TakeoverGoal.Run && known.Goal != TakeoverGoal.Run)
                known.Run(request!);
            else if (goal == TakeoverGoal.Follow && known.Goal == TakeoverGoal.Look)
                known.Follow(request!);
            return;
        }

        if (known is not null)
        {
            known.Dispose();
            _takeovers[slot] = null;
        }

        // First, and never once its store is open: it may be damaged. What was asked before this order is known.
        TakeDeletions();
        if (_deleting.Remove(task))
            DeleteCopy(task);
        if (slot < 0)
            slot = _takeovers.IndexOf(null);
        if (slot < 0)
        {
            slot = _takeovers.Count;
            _takeovers.Add(null);
        }

        _takeovers[slot] = new Takeover(request!, goal.Value, _options.GroupOf(request!.Definition.Service), _log.Admin, _stores, _time, _metrics, _lifecycle, _logger);
    }

    private void TakeDeletions()
    {
        while (_toDelete.TryDequeue(out TaskId obsolete))
        {
            if (!_deleting.Contains(obsolete))
                _deleting.Add(obsolete);
        }
    }

    private void DeleteCopy(TaskId task)
    {
        if (_takeovers.Exists(t => t?.Request.Task == task))
            return;
        try
        {
            _stores.Delete(task.ToString());
            _deleted.Enqueue(task);
            _lifecycle.CopyDeleted(task);
        }
        catch (StoreException e)
        {
            // The plan names it again.
            _logger.CopyNotDeleted(task.ToString(), e.Message);
        }
    }

    // The consumer reads the changelogs of exactly those takeovers that want it and need not wait. It is told so by
    // assignments: a partition that was paused may be fetched again after half a second only.
    private void FollowReading(int slot, Takeover takeover)
    {
        bool isToRead = takeover.IsReading && MayRead(takeover);
        if (isToRead == _reading.Contains(slot))
            return;
        if (!isToRead)
        {
            StopReading(slot, takeover);
            return;
        }

        Consumer.Add(takeover.Request.Topics.Changelog, slot, takeover.Position);
        _reading.Add(slot);
    }

    // Whoever holds much, or is about to, has its share: one that has come to the end it knew may find another.
    private int BatchBytesOfEach()
    {
        StoreBounds bounds = _options.StoreBounds;
        int shares = 0, leaving = 0;
        foreach (Takeover? takeover in _takeovers)
        {
            if (takeover is { State: TakeoverState.Completing })
                leaving += takeover.BatchBytes;
            else if (takeover is not null && (takeover.BatchBytes >= bounds.RestoreBytesMin || (IsLong(takeover) && MayRead(takeover))))
                shares++;
        }

        return (int)Math.Clamp((bounds.RestoreBytesMax - leaving) / Math.Max(1, shares), bounds.RestoreBytesMin, BatchBytesMax);
    }

    private static bool IsLong(Takeover takeover) => takeover is { IsReading: true, Remaining: > LongReplay };

    private bool MayRead(Takeover takeover) => !(_followersWait && takeover.Goal == TakeoverGoal.Follow);

    private void StopReading(int slot, Takeover takeover)
    {
        if (!_reading.Remove(slot))
            return;
        _consumer!.Remove(takeover.Request.Topics.Changelog);
    }

    private void Publish()
    {
        _statusAt = _time.GetTimestamp();
        if (_takeovers.TrueForAll(t => t is null))
        {
            if (_status.Count > 0)
                _status = [];
            return;
        }

        List<TaskStatus> status = [];
        for (int slot = 0; slot < _takeovers.Count; slot++)
        {
            if (_takeovers[slot] is not { } takeover)
                continue;
            TaskState state = takeover.State == TakeoverState.Stopped ? TaskState.Stopped
                : takeover.Goal == TakeoverGoal.Look ? TaskState.Closed
                : takeover.IsCurrent && _reading.Contains(slot) ? TaskState.Running
                : TaskState.Restoring;
            string role = takeover.Goal switch
            {
                TakeoverGoal.Run => "restoring",
                TakeoverGoal.Follow => "standby",
                _ => "on disk",
            };
            status.Add(new TaskStatus(takeover.Request.Task, role, state, takeover.Request.Worker, takeover.Reason, -1, -1, null, takeover.Records, takeover.Remaining, 0, 0) { ChangelogOffset = takeover.Position });
        }

        _status = status;
    }
}
