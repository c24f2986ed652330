using Microsoft.Extensions.Logging;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>
/// One instance: reads the control log, begins an incarnation, announces it, and runs what the plans give it; one of all
/// instances is the planner beside. Starts no thread: several loops drive it, each by one thread at a time (or all by
/// one, in tests): <see cref="RunOnce"/>, <see cref="Heartbeat"/>, <see cref="Restorer"/>, and every one of
/// <see cref="Workers"/>. This part: its life. Instance.Plan.cs: following plans. Instance.Watch.cs: keeping watch.
/// </summary>
public sealed partial class Instance : IDisposable
{
    private static readonly TimeSpan CallWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastCommitLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HandOverLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RejoinPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TopicsPause = TimeSpan.FromSeconds(2);
    private const long WaitingLogInterval = 5_000;

    private readonly InstanceOptions _options;
    private readonly IReadOnlyList<StageDefinition> _stages;
    private readonly ILog _log;
    private readonly IStateStoreProvider _stores;
    private readonly TimeProvider _time;
    private readonly RuntimeMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Lifecycle _lifecycle;
    private readonly CancellationTokenSource _cancellation = new();
    private IGroupMembership _membership;
    private long _groupLostAt;
    private string _incarnation = "";
    private IReadOnlyList<Worker> _starting = [];
    private int _initialised;
    private volatile IReadOnlyList<Worker> _workers = [];
    private volatile Restorer _restorer;
    private volatile string? _reason;
    private volatile string _incarnationId = "";
    private volatile bool _stopRequested;
    private int _state;
    private long _progressAt;
    private Task? _question;
    private long _notBefore;
    private long _waitingSince;
    private long _stoppingSince;
    private Announcement? _lastWord;
    private long _closedAt;
    private bool _hasLooked;

    /// <summary>Touches nothing before the first step.</summary>
    public Instance(InstanceOptions options, IReadOnlyList<StageDefinition> stages, ILog log, IStateStoreProvider stores, TimeProvider time, RuntimeMetrics metrics, ILogger logger, IReadOnlyList<ILifecycleListener>? listeners = null)
    {
        _options = options;
        _stages = stages;
        _log = log;
        _stores = stores;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _lifecycle = new Lifecycle(logger, metrics, time, listeners ?? []);
        _membership = JoinGroup();
        _restorer = new Restorer(log, options, stores, time, metrics, _lifecycle, logger);
        Heartbeat = new Heartbeat(log, options.ApplicationId, time, options.BeatInterval, options.StuckLimit);
        _progressAt = Now();
    }

    /// <summary>Where it is; published.</summary>
    public InstanceState State => (InstanceState)Volatile.Read(ref _state);

    /// <summary>True when it failed because going on would be unsafe, not because something broke.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>What it waits for or died of.</summary>
    public string? Reason => _reason;

    /// <summary>Its sign of life; one for all incarnations.</summary>
    public Heartbeat Heartbeat { get; }

    /// <summary>The workers of the present incarnation: whoever drives them looks here again after each step.</summary>
    public IReadOnlyList<Worker> Workers => _workers;

    /// <summary>The restorer of the present incarnation; likewise.</summary>
    public Restorer Restorer => _restorer;

    /// <summary>
    /// Tells whoever drives the loops to leave workers and restorer of an ended incarnation, and then to close them by the
    /// action given; returns whether the loops have left within the time given, and the closing has never stood still for as
    /// long (<see cref="MovedAt"/>). By default one thread drives all, and there is none to leave.
    /// </summary>
    public Func<Action, TimeSpan, bool> EndLoops { get; set; } = (close, _) =>
    {
        close();
        return true;
    };

    /// <summary>Wall clock, ms, when a worker or the restorer got on last, be it with their closing.</summary>
    public long MovedAt => Math.Max(_restorer.ProgressAt, (_workers.Count > 0 ? _workers : _starting).Max(w => (long?)w.ProgressAt) ?? 0);

    /// <summary>Asks for a clean end.</summary>
    public void RequestStop() => _stopRequested = true;

    /// <summary>One step of the control loop; waits at most <paramref name="wait"/>.</summary>
    public void RunOnce(TimeSpan wait)
    {
        Volatile.Write(ref _progressAt, Now());
        Heartbeat.NoteProgress();
        if (State is InstanceState.Stopped or InstanceState.Failed)
            return;
        if (_stopRequested && State != InstanceState.Stopping)
            BeginStop();
        ServeMembership();
        if (State == InstanceState.Failed)
            return;
        try
        {
            ReadControl(wait);
            if (State == InstanceState.Failed || (_time.GetTimestamp() < _notBefore && State < InstanceState.Running))
                return;
            switch (State)
            {
                case InstanceState.Joining:
                    Join();
                    break;
                case InstanceState.Starting:
                    Start();
                    break;
                case InstanceState.Running:
                    Run();
                    break;
                case InstanceState.Stopping:
                    FinishStop();
                    break;
            }
        }
        catch (LogException e)
        {
            Wait($"the log refuses: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // What is stuck in a call cannot be closed; it ends with the process.
        if (_isStuck)
            return;
        _cancellation.Cancel();
        if (!TryCloseIncarnation(LeaveLimit))
            return;
        Heartbeat.Dispose();
        _membership.Dispose();
        _cancellation.Dispose();
    }

    private void ServeMembership()
    {
        MembershipState membership = _membership.RunOnce(TimeSpan.Zero);
        _isLeader = membership == MembershipState.Leader;
        if (membership != MembershipState.Fenced)
            return;
        // A coordinator that moves can fence a member that is alone: whether another process has the place, the fleet
        // says (FollowPlan), and it is given the time to be taken in.
        long now = _time.GetTimestamp();
        if (_groupLostAt == 0)
        {
            _groupLostAt = now;
            _logger.GroupLost(_membership.Reason ?? "");
        }

        if (_time.GetElapsedTime(_groupLostAt, now) < RejoinPause)
            return;
        _groupLostAt = 0;
        _membership.Dispose();
        _membership = JoinGroup();
    }

    private IGroupMembership JoinGroup() => _log.CreateMembership(_options.ApplicationId, _options.InstanceId, ControlTopics.ControlOf(_options.ApplicationId));

    private void Join()
    {
        if (_question is null)
        {
            _question = _log.Admin.CreateTopics(ControlTopics.Specifications(_options.ApplicationId, _options.ReplicationFactor), _cancellation.Token);
            return;
        }

        if (!_question.IsCompleted)
            return;
        if (!_question.IsCompletedSuccessfully)
        {
            Wait($"the control topics cannot be made: {Cause(_question)}");
            _question = null;
            return;
        }

        _control ??= new ControlReader(_log, _options.ApplicationId, _time);
        if (!_control.HasReachedEnd)
        {
            NoteWaiting(_control.Waiting ?? "the control log to be read");
            return;
        }

        _question = null;
        _reason = null;
        Move(InstanceState.Starting);
    }

    private void Start()
    {
        if (!CheckTopics() || State != InstanceState.Starting)
            return;
        if (_starting.Count == 0)
        {
            _incarnation = _options.CreateIncarnationId();
            List<Worker> workers = [];
            for (int i = 0; i < _options.Workers; i++)
                workers.Add(new Worker(i, Incarnation.TransactionalId(_options.ApplicationId, _incarnation, i), _log, _options, _time, _metrics, _lifecycle, _logger));
            _starting = workers;
            _initialised = 0;
        }

        // Once, before anybody hears of this incarnation: who fences it comes after this for certain.
        for (; _initialised < _starting.Count; _initialised++)
        {
            LogResult result = _starting[_initialised].Init(CallWait);
            if (result.Status == LogStatus.Fatal)
            {
                EndIncarnation(result.Reason ?? "a producer could not be initialised");
                return;
            }

            if (!result.IsOk)
            {
                NoteWaiting($"the log to grant the transactional id {_starting[_initialised].TransactionalId}{(result.Reason is null ? "" : $": {result.Reason}")}");
                return;
            }
        }

        foreach (Worker worker in _starting)
            worker.Prepare(_stages.SelectMany(s => s.Inputs));
        _restorer.Prepare(_stages);
        _reason = PlanWaitReason;
        _incarnationId = _incarnation;
        _workers = _starting;
        _lifecycle.IncarnationBegan(_incarnation, _options.InstanceId, _starting.Count);
        DescribeTasks();
        HashSet<string> existing = [.. _stores.Existing()];
        foreach (TakeoverRequest request in _requests.Values.Where(r => existing.Contains(r.Task.ToString())))
        {
            _lookedAt.Add(request.Task);
            _restorer.Look(request);
        }

        Move(InstanceState.Running);
    }

    private void Run()
    {
        // What is stuck ends with its process: to end its incarnation it would have to close what does not come back.
        if (!_isStuck)
            TakeResults();
        if (State != InstanceState.Running)
            return;
        // Once: what cannot be looked at then must not keep it from what it has taken up meanwhile.
        _hasLooked |= !_restorer.IsLooking;
        if (!_hasLooked)
        {
            if (WatchWorkers() is { } hanging)
                _reason = hanging;
            else
                NoteWaiting("the copies on the disk to be looked at");
            if (State != InstanceState.Running)
                return;
            // Whose turn it is to plan gets ready meanwhile. It is not stepped further, so that it does not beat before it
            // can plan: should the copies take long, a deputy takes over.
            if (!_isStuck && _planner is not { IsPlanning: true })
                StepPlanner();
            return;
        }

        if (!_isStuck)
            FollowPlan();
        if (State != InstanceState.Running)
            return;
        // The last word of one that is stuck stays what it is, until the fleet has it.
        if (!_isStuck)
            Announce(MemberState.Alive);
        StepPlanner();
        PublishFleet();
        string? hangs = WatchWorkers();
        if (hangs is null && _control!.Waiting is { } waiting)
            NoteWaiting(waiting);
        else
            _reason = hangs ?? PlanWaitReason;
        if (State != InstanceState.Running)
            return;
        RefreshEnds();
        RefreshMetadata();
    }

    // A producer is finished for good, or the fleet has taken this incarnation for dead: close all, begin a new one
    // without tasks.
    private void EndIncarnation(string reason)
    {
        _lifecycle.IncarnationEnded(_incarnationId, reason);
        if (!TryCloseIncarnation(_options.StuckLimit))
            return;
        _restorer = new Restorer(_log, _options, _stores, _time, _metrics, _lifecycle, _logger);
        Wait($"a new incarnation begins, since the last one ended: {reason}");
        Move(InstanceState.Joining);
    }

    // False, and it has failed: a loop does not come back, or a store is not closed.
    private bool TryCloseIncarnation(TimeSpan limit)
    {
        Heartbeat.Announce(null, atOnce: false);
        _restorer.Leave();
        if (!EndLoops(CloseLoops, limit))
        {
            _isStuck = true;
            string reason = $"a loop or a store of the incarnation that ends has not come back for {limit.TotalSeconds:0} s";
            _reason = IsRefused ? _reason : reason;
            _lifecycle.InstanceRefused(reason);
            Move(InstanceState.Failed);
            return false;
        }

        _planner?.Dispose();
        _planner = null;
        _view?.Dispose();
        _view = null;
        _control?.Dispose();
        _control = null;
        _workers = [];
        _starting = [];
        _running = [];
        _requests.Clear();
        _held.Clear();
        _followed.Clear();
        _onDisk.Clear();
        _lookedAt.Clear();
        _toFollow = [];
        _warming = [];
        _heldTasks = [];
        _announced = null;
        _appliedPlan = 0;
        _hasLooked = false;
        _wasRegistered = false;
        _firstAnnouncedAt = 0;
        _ends = null;
        _question = null;
        _topicsReady = _creating = false;
        _incarnation = _incarnationId = "";
        return true;
    }

    // What may wait for a disk.
    private void CloseLoops()
    {
        foreach (Worker worker in _workers.Count > 0 ? _workers : _starting)
            worker.Dispose();
        _restorer.Dispose();
    }

    private void BeginStop()
    {
        foreach (Worker worker in _workers)
            worker.RequestStop();
        _stoppingSince = _time.GetTimestamp();
        _hasTasks = _workers.Count > 0 && _announced is not null;
        Move(InstanceState.Stopping);
    }

    private bool _hasTasks;

    // Commit and close; say that it has ended; as the planner, give the tasks away first; then go. A log that does not
    // answer keeps nobody: what is not committed is done again by whoever is next, as after a crash.
    private void FinishStop()
    {
        if (_workers.Any(IsWaitedFor))
            return;
        foreach (Worker worker in _workers)
        {
            if (worker.State is WorkerState.Closed or WorkerState.Failed)
                continue;
            _logger.LastCommitUnanswered(worker.Index, worker.State.ToString(), (long)LastCommitLimit.TotalSeconds);
        }

        bool isClean = _hasTasks && _workers.All(w => w.State == WorkerState.Closed);
        if (isClean && (_lastWord is null || _time.GetElapsedTime(_closedAt) < HandOverLimit / 3 || _time.GetElapsedTime(_stoppingSince) < HandOverLimit))
        {
            if (_lastWord is null)
            {
                _closedAt = _time.GetTimestamp();
                TakeResults();
                _held.Clear();
                _lastWord = Announce(MemberState.Ended);
            }

            StepPlanner();
            bool isHandedOver = _planner is not { IsPlanning: true, Failure: null } || _planner.HasResigned;
            if (!Heartbeat.HasSaid(_lastWord) || !isHandedOver)
                return;
        }

        if (!TryCloseIncarnation(LeaveLimit))
            return;
        _membership.Leave();
        Move(InstanceState.Stopped);
    }

    // What is committed is closed, however many stores that are, as long as each comes back: the fleet is told how far they are.
    private bool IsWaitedFor(Worker worker) => worker.State switch
    {
        WorkerState.Closed or WorkerState.Failed => false,
        WorkerState.Closing => Now() - worker.ProgressAt < LeaveLimit.TotalMilliseconds,
        _ => _time.GetElapsedTime(_stoppingSince) < LastCommitLimit,
    };

    private void Refuse(string reason)
    {
        // It ends as what it is.
        if (_isStuck)
            return;
        IsRefused = true;
        _reason = reason;
        _lifecycle.InstanceRefused(reason);
        if (TryCloseIncarnation(LeaveLimit))
            Move(InstanceState.Failed);
    }

    private void Wait(string reason)
    {
        if (_reason != reason)
            _logger.InstanceWaits(reason);
        _reason = reason;
        _notBefore = _time.GetTimestamp() + (long)(TopicsPause.TotalSeconds * _time.TimestampFrequency);
    }

    // A question under way: seen at once in the status, and in the log when it lasts.
    private void NoteWaiting(string? what)
    {
        _reason = $"waits for {what}";
        long now = Now();
        if (_waitingSince == 0)
            _waitingSince = now;
        if (now - _waitingSince < WaitingLogInterval)
            return;
        _waitingSince = now;
        _logger.InstanceWaits(_reason);
    }

    private void Move(InstanceState to)
    {
        _waitingSince = 0;
        Volatile.Write(ref _state, (int)to);
        _lifecycle.InstanceMoved(to);
    }

    private static string Cause(Task task) => task.Exception?.InnerException?.Message ?? "cancelled";

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
