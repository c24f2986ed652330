using Microsoft.Extensions.Logging;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>
/// One instance: joins its group, ends earlier incarnations, begins its own, places the tasks on its workers and keeps
/// watch. Starts no thread: three kinds of loops drive it, each by one thread at a time (or all by one, in tests):
/// <see cref="RunOnce"/>, <see cref="Restorer"/>, and every one of <see cref="Workers"/>.
/// </summary>
public sealed partial class Instance : IDisposable
{
    private static readonly TimeSpan CallWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MetadataInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EndsInterval = TimeSpan.FromSeconds(1);
    private const long WaitingLogInterval = 5_000;
    private static readonly TimeSpan TopicsPause = TimeSpan.FromSeconds(2);

    private readonly InstanceOptions _options;
    private readonly IReadOnlyList<StageDefinition> _stages;
    private readonly ILog _log;
    private readonly IStateStoreProvider _stores;
    private readonly TimeProvider _time;
    private readonly RuntimeMetrics _metrics;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly IGroupMembership _membership;
    private readonly long _began;
    private readonly Dictionary<TaskId, TakeoverRequest> _tasks = [];
    private ControlLog? _control;
    private Incarnation? _incarnation;
    private volatile IReadOnlyList<Worker> _workers = [];
    private volatile Restorer _restorer;
    private volatile string? _reason;
    private volatile string _incarnationId = "";
    private volatile bool _stopRequested;
    private int _state;
    private long _progressAt;
    private Task? _question;
    private long _notBefore;
    private long _nextEnds;
    private long _nextMetadata;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _ends;
    private long _endsAskedAt;
    private IReadOnlyDictionary<string, TopicDescription> _topics = new Dictionary<string, TopicDescription>();
    private IReadOnlyList<StreamTask> _running = [];

    /// <summary>Touches nothing before the first step.</summary>
    public Instance(InstanceOptions options, IReadOnlyList<StageDefinition> stages, ILog log, IStateStoreProvider stores, TimeProvider time, RuntimeMetrics metrics, ILogger logger)
    {
        _options = options;
        _stages = stages;
        _log = log;
        _stores = stores;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _membership = log.CreateMembership(options.ApplicationId, options.InstanceId, ControlLog.TopicOf(options.ApplicationId));
        _restorer = new Restorer(log, options, stores, time, metrics, logger);
        _began = time.GetTimestamp();
        _progressAt = Now();
    }

    /// <summary>Where it is; published.</summary>
    public InstanceState State => (InstanceState)Volatile.Read(ref _state);

    /// <summary>True when it failed because going on would be unsafe, not because something broke.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>What it waits for or died of.</summary>
    public string? Reason => _reason;

    /// <summary>The workers of the present incarnation: whoever drives them looks here again after each step.</summary>
    public IReadOnlyList<Worker> Workers => _workers;

    /// <summary>The restorer of the present incarnation; likewise.</summary>
    public Restorer Restorer => _restorer;

    /// <summary>
    /// Tells whoever drives the loops to leave workers and restorer of an ended incarnation; returns when their loops
    /// have left. Null where one thread drives all.
    /// </summary>
    public Action? JoinLoops { get; set; }

    /// <summary>Asks for a clean end.</summary>
    public void RequestStop() => _stopRequested = true;

    /// <summary>One step of the control loop; waits at most <paramref name="wait"/>.</summary>
    public void RunOnce(TimeSpan wait)
    {
        Volatile.Write(ref _progressAt, Now());
        if (State is InstanceState.Stopped or InstanceState.Failed)
            return;
        if (_stopRequested && State != InstanceState.Stopping)
            BeginStop();
        if (_time.GetTimestamp() < _notBefore && State < InstanceState.Running)
        {
            ServeMembership(wait);
            return;
        }

        try
        {
            switch (State)
            {
                case InstanceState.Joining:
                    Join(wait);
                    break;
                case InstanceState.Fencing:
                    Fence(wait);
                    break;
                case InstanceState.Starting:
                    Start(wait);
                    break;
                case InstanceState.Running:
                    Run(wait);
                    break;
                case InstanceState.Stopping:
                    FinishStop(wait);
                    break;
            }
        }
        catch (LogException e)
        {
            Wait($"the log refuses: {e.Message}");
        }
    }

    /// <summary>A snapshot; any thread.</summary>
    public InstanceStatus Status()
    {
        IReadOnlyList<Worker> workers = _workers;
        Restorer restorer = _restorer;
        Dictionary<TaskId, TaskStatus> tasks = [];
        long progress = Volatile.Read(ref _progressAt);
        foreach (TaskStatus status in restorer.Status)
            tasks[status.Task] = status;
        foreach (Worker worker in workers)
        {
            progress = Math.Min(progress, worker.ProgressAt);
            foreach (TaskStatus status in worker.Status)
                tasks[status.Task] = status;
        }

        if (State == InstanceState.Running)
        {
            progress = Math.Min(progress, restorer.ProgressAt);
            foreach (TakeoverRequest request in _assigned)
                tasks.TryAdd(request.Task, new TaskStatus(request.Task, "restoring", TaskState.Created, request.Worker, null, -1, -1, null, 0, 0, 0, 0));
        }

        return new InstanceStatus(
            _options.InstanceId,
            _incarnationId,
            State,
            _reason,
            [.. tasks.Values.OrderBy(t => t.Task.Stage, StringComparer.Ordinal).ThenBy(t => t.Task.Partition)],
            progress);
    }

    private volatile IReadOnlyList<TakeoverRequest> _assigned = [];

    /// <inheritdoc/>
    public void Dispose()
    {
        _cancellation.Cancel();
        CloseIncarnation();
        _membership.Dispose();
        _cancellation.Dispose();
    }

    private void Join(TimeSpan wait)
    {
        // The control topic first: the group is on it.
        if (_question is null)
        {
            _question = _log.Admin.CreateTopics([new TopicSpecification(ControlLog.TopicOf(_options.ApplicationId), 1, _options.ReplicationFactor, TopicCheck.ControlConfiguration)], _cancellation.Token);
            return;
        }

        if (!_question.IsCompleted)
            return;
        if (!_question.IsCompletedSuccessfully)
        {
            Wait($"the control topic cannot be made: {Cause(_question)}");
            _question = null;
            return;
        }

        switch (ServeMembership(wait))
        {
            case MembershipState.Leader:
                _question = null;
                _reason = null;
                _control = new ControlLog(_log, _options.ApplicationId);
                Move(InstanceState.Fencing);
                break;
            case MembershipState.Joining or MembershipState.Follower when _time.GetElapsedTime(_began) > _options.JoinTimeout && !_hasRun:
                Refuse(
                    $"another instance of the application '{_options.ApplicationId}' is running (it holds the group '{_options.ApplicationId}'), and tasks are not yet shared between instances: two would process every record twice. "
                    + "Stop the other one, or give this one another Presence:ApplicationId");
                break;
            case MembershipState.Follower:
                _reason = $"another instance holds the group '{_options.ApplicationId}'; waiting {_options.JoinTimeout.TotalSeconds:0} s for it to end";
                break;
        }
    }

    private bool _hasRun;

    private MembershipState ServeMembership(TimeSpan wait)
    {
        MembershipState membership = _membership.RunOnce(wait);
        if (membership == MembershipState.Fenced)
            Refuse($"another process took over the instance id '{_options.InstanceId}': {_membership.Reason}");
        return membership;
    }

    private void Fence(TimeSpan wait)
    {
        ServeMembership(TimeSpan.Zero);
        if (State != InstanceState.Fencing)
            return;
        if (!_control!.StepOpen(CallWait, _cancellation.Token) || !_control.StepFence())
        {
            NoteWaiting(_control.Waiting);
            FailWithControl();
            return;
        }

        if (_control.Incarnations.Values.Any(i => i is null))
        {
            Refuse("the control log holds an incarnation that a newer version of Presence wrote: stop that instance, or run this one with the newer version");
            return;
        }

        foreach (Incarnation? ended in _control.Incarnations.Values)
            _logger.IncarnationFenced(ended!.Id, ended.InstanceId);
        Move(InstanceState.Starting);
    }

    private void Start(TimeSpan wait)
    {
        ServeMembership(TimeSpan.Zero);
        if (State != InstanceState.Starting || !CheckTopics() || State != InstanceState.Starting)
            return;
        if (_incarnation is null)
        {
            _incarnation = Incarnation.Begin(_options.CreateIncarnationId(), _options.InstanceId, _options.Workers, Now());
            List<Worker> workers = [];
            for (int i = 0; i < _options.Workers; i++)
                workers.Add(new Worker(i, _incarnation.TransactionalId(_options.ApplicationId, i), _log, _options, _time, _metrics, _logger));
            _starting = workers;
            _initialised = 0;
            _announced = false;
        }

        while (_initialised < _starting.Count)
        {
            LogResult result = _starting[_initialised].Init(CallWait);
            if (result.Status == LogStatus.Fatal)
            {
                EndIncarnation(result.Reason ?? "a producer could not be initialised");
                return;
            }

            if (!result.IsOk)
            {
                _reason = $"waits for the log to grant the transactional id {_starting[_initialised].TransactionalId}{(result.Reason is null ? "" : $": {result.Reason}")}";
                return;
            }

            _initialised++;
        }

        if (!_announced)
        {
            List<(byte[] Key, byte[]? Value)> records = [(_incarnation.Key(), _incarnation.Value())];
            foreach (Incarnation? ended in _control!.Incarnations.Values)
                records.Add((ended!.Key(), null));
            _control.BeginWrite(records);
            _announced = true;
        }

        if (!_control!.StepWrite(Now(), CallWait))
        {
            FailWithControl();
            return;
        }

        _reason = null;
        _incarnationId = _incarnation.Id;
        _workers = _starting;
        _hasRun = true;
        _metrics.IncarnationBegan();
        _logger.IncarnationBegins(_incarnation.Id, _options.InstanceId, _starting.Count);
        PlaceTasks();
        Move(InstanceState.Running);
    }

    private IReadOnlyList<Worker> _starting = [];
    private int _initialised;
    private bool _announced;

    private bool CheckTopics()
    {
        if (_topicsReady)
            return true;
        if (_question is null)
        {
            _question = _creating ? _question : _log.Admin.DescribeTopics(TopicCheck.WatchedBy(_options, _stages), _cancellation.Token);
            return false;
        }

        if (!_question.IsCompleted)
            return false;
        Task question = _question;
        _question = null;
        if (!question.IsCompletedSuccessfully)
        {
            _creating = false;
            Wait($"the topics cannot be looked at: {Cause(question)}");
            return false;
        }

        if (_creating)
        {
            _creating = false;
            return false;
        }

        _topics = ((Task<IReadOnlyDictionary<string, TopicDescription>>)question).Result;
        TopicCheck check = new(_options, _stages, _topics);
        if (check.Problems.Count > 0)
        {
            Refuse(string.Join(" | ", check.Problems));
            return false;
        }

        if (check.Missing.Count > 0)
        {
            Wait($"these topics do not exist: {string.Join(", ", check.Missing)}. Create them with `presence topics create`");
            return false;
        }

        IReadOnlyList<TopicSpecification> changelogs = check.MissingChangelogs(_options, _stages);
        if (changelogs.Count > 0)
        {
            _creating = true;
            _question = _log.Admin.CreateTopics(changelogs, _cancellation.Token);
            return false;
        }

        _topicsReady = true;
        return true;
    }

    private bool _creating;
    private bool _topicsReady;

    // Every task of every stage, spread evenly: the tasks of one partition on different workers where there are several.
    private void PlaceTasks()
    {
        _tasks.Clear();
        int next = 0;
        foreach (StageDefinition stage in _stages)
        {
            string changelog = TopicCheck.ChangelogOf(_options, stage);
            TopicDescription description = _topics[changelog];
            int[] outputs = [.. stage.Outputs.Select(o => _topics[o].Partitions)];
            for (int partition = 0; partition < _topics[stage.Inputs[0]].Partitions; partition++)
            {
                TaskId id = new(stage.Name, partition);
                TaskTopics topics = new(new TopicPartition(changelog, partition), outputs, _options.DeadLetterTopic, _topics[_options.DeadLetterTopic].Partitions);
                BadInputPolicy policy = _options.BadInput.GetValueOrDefault(stage.Service, BadInputPolicy.DeadLetter);
                TakeoverRequest request = new(id, stage, topics, description.Id, DeleteRetentionOf(description), policy, next++ % _workers.Count);
                _tasks.Add(id, request);
                _restorer.Enqueue(request);
            }
        }

        _assigned = [.. _tasks.Values];
    }

    private static TimeSpan DeleteRetentionOf(TopicDescription changelog) =>
        changelog.Configuration.TryGetValue("delete.retention.ms", out string? text) && long.TryParse(text, out long ms)
            ? TimeSpan.FromMilliseconds(Math.Clamp(ms, 0, (long)TimeSpan.FromDays(3650).TotalMilliseconds))
            : TimeSpan.FromDays(1);

    private void Run(TimeSpan wait)
    {
        MembershipState membership = ServeMembership(wait);
        if (State != InstanceState.Running)
            return;
        _reason = membership switch
        {
            MembershipState.Leader => null,
            MembershipState.Follower => "another instance holds the group: this one goes on until it is fenced",
            _ => "out of touch with the group; tasks go on",
        };

        while (_restorer.TryTakeReady(out StreamTask task, out int worker))
        {
            _workers[worker].Add(task);
            _running = [.. _running.Where(t => t.Id != task.Id), task];
        }

        foreach (Worker worker in _workers)
        {
            while (worker.TryTakeLost(out TaskLost lost))
                _restorer.Enqueue(_tasks[lost.Task]);
            if (worker.State == WorkerState.Failed)
            {
                EndIncarnation(worker.Failure!);
                return;
            }
        }

        WatchWorkers();
        RefreshEnds();
        RefreshMetadata();
    }

    // A worker that hangs in a call cannot say so itself.
    private void WatchWorkers()
    {
        long now = Now();
        foreach (Worker worker in _workers)
        {
            long stuck = now - worker.ProgressAt;
            if (stuck < WaitingLogInterval)
                continue;
            _reason = $"worker {worker.Index} has not come back for {stuck / 1000} s from a step it began while it was {worker.State}";
            if (now - _waitingSince < WaitingLogInterval)
                continue;
            _waitingSince = now;
            _logger.WorkerStuck(worker.Index, stuck / 1000, worker.State.ToString());
        }
    }

    private void RefreshEnds()
    {
        long now = Now();
        if (_ends is null)
        {
            if (now < _nextEnds || _running.Count == 0)
                return;
            _nextEnds = now + (long)EndsInterval.TotalMilliseconds;
            _endsAskedAt = now;
            _ends = _log.Admin.EndOffsets([.. _running.SelectMany(t => t.Inputs).Select(i => i.Partition).Distinct()], IsolationLevel.ReadUncommitted, _cancellation.Token);
        }

        if (!_ends.IsCompleted)
            return;
        if (_ends.IsCompletedSuccessfully)
        {
            foreach (StreamTask task in _running)
            {
                foreach (TaskInput input in task.Inputs)
                {
                    if (_ends.Result.TryGetValue(input.Partition, out long end))
                        input.SetKnownEnd(end, _endsAskedAt);
                }
            }
        }

        else
        {
            _logger.EndsUnknown(Cause(_ends));
        }

        _ends = null;
    }

    private void RefreshMetadata()
    {
        long now = Now();
        if (_question is null)
        {
            if (now < _nextMetadata)
                return;
            _nextMetadata = now + (long)MetadataInterval.TotalMilliseconds;
            _question = _log.Admin.DescribeTopics(TopicCheck.WatchedBy(_options, _stages), _cancellation.Token);
        }

        if (!_question.IsCompleted)
            return;
        if (_question.IsCompletedSuccessfully)
        {
            var described = ((Task<IReadOnlyDictionary<string, TopicDescription>>)_question).Result;
            if (new TopicCheck(_options, _stages, described).ChangeSince(_topics) is { } change)
                Refuse($"{change}. Look at it with `presence topics show`, then start again");
        }

        _question = null;
    }

    // A producer is finished for good: close all, begin a new incarnation without tasks.
    private void EndIncarnation(string reason)
    {
        _logger.IncarnationEnds(_incarnationId, reason);
        CloseIncarnation();
        _restorer = new Restorer(_log, _options, _stores, _time, _metrics, _logger);
        Wait($"a new incarnation begins, since the last one ended: {reason}");
        Move(InstanceState.Joining);
    }

    private void CloseIncarnation()
    {
        JoinLoops?.Invoke();
        foreach (Worker worker in _workers.Count > 0 ? _workers : _starting)
            worker.Dispose();
        _restorer.Dispose();
        _control?.Dispose();
        _control = null;
        _incarnation = null;
        _workers = [];
        _starting = [];
        _running = [];
        _assigned = [];
        _ends = null;
        _question = null;
        _topicsReady = _creating = false;
        _incarnationId = "";
    }

    private void BeginStop()
    {
        foreach (Worker worker in _workers)
            worker.RequestStop();
        _ending = _workers.Count > 0;
        Move(InstanceState.Stopping);
    }

    private bool _ending;
    private bool _ended;

    private void FinishStop(TimeSpan wait)
    {
        _membership.RunOnce(wait);
        foreach (Worker worker in _workers)
        {
            if (worker.State is not (WorkerState.Closed or WorkerState.Failed))
                return;
        }

        // What ended cleanly need not be fenced by the next incarnation.
        if (_ending && _workers.All(w => w.State == WorkerState.Closed))
        {
            if (!_ended)
            {
                _control!.BeginWrite([(_incarnation!.Key(), null)]);
                _ended = true;
            }

            if (_control!.Failure is null && !_control.StepWrite(Now(), CallWait) && _control.Failure is null)
                return;
        }

        CloseIncarnation();
        _membership.Leave();
        Move(InstanceState.Stopped);
    }

    private void FailWithControl()
    {
        if (_control?.Failure is { } failure)
            EndIncarnation(failure);
    }

    private void Refuse(string reason)
    {
        IsRefused = true;
        _reason = reason;
        _logger.InstanceRefused(reason);
        CloseIncarnation();
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
        if (now - _waitingSince < WaitingLogInterval)
            return;
        _waitingSince = now;
        _logger.InstanceWaits(_reason);
    }

    private long _waitingSince;

    private void Move(InstanceState to) => Volatile.Write(ref _state, (int)to);

    private static string Cause(Task task) => task.Exception?.InnerException?.Message ?? "cancelled";

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
