using Microsoft.Extensions.Logging;
using Presence.Core.Assignment;
using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>Keeping watch: topics, ends of inputs, loops that do not come back; and what is shown of it all.</summary>
public sealed partial class Instance
{
    private static readonly TimeSpan MetadataInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EndsInterval = TimeSpan.FromSeconds(1);
    private const long FleetInterval = 500;
    private const long OrdinaryStep = 1_000;

    private IReadOnlyDictionary<string, TopicDescription> _topics = new Dictionary<string, TopicDescription>();
    private bool _creating;
    private bool _topicsReady;
    private long _nextEnds;
    private long _nextMetadata;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _ends;
    private long _endsAskedAt;
    private long _watchedAt;
    private long _watchingSince;
    private volatile bool _isStuck;
    private long _stuckAt;

    /// <summary>A snapshot; any thread.</summary>
    public InstanceStatus Status()
    {
        // In this order: when it runs, its reason says so, and by the time it has nothing to wait for, its tasks are known.
        InstanceState state = State;
        string? reason = _reason;
        IReadOnlyList<Worker> workers = _workers;
        Restorer restorer = _restorer;
        HashSet<TaskId> warming = _warming;
        Dictionary<TaskId, TaskStatus> tasks = [];
        long progress = Volatile.Read(ref _progressAt);
        foreach (TaskStatus status in restorer.Status)
        {
            if (status.State != TaskState.Closed)
                tasks[status.Task] = status.Role == "standby" && warming.Contains(status.Task) ? status with { Role = "warming" } : status;
        }

        foreach (Worker worker in workers)
        {
            progress = Math.Min(progress, worker.ProgressAt);
            foreach (TaskStatus status in worker.Status)
                tasks[status.Task] = status;
        }

        if (state == InstanceState.Running)
        {
            progress = Math.Min(progress, restorer.ProgressAt);
            foreach (TaskId task in _heldTasks)
                tasks.TryAdd(task, new TaskStatus(task, "restoring", TaskState.Created, -1, null, -1, -1, null, 0, 0, 0, 0));
        }

        return new InstanceStatus(
            _options.InstanceId,
            _incarnationId,
            state,
            reason,
            [.. tasks.Values.OrderBy(t => t.Task.Stage, StringComparer.Ordinal).ThenBy(t => t.Task.Partition)],
            progress,
            _fleet);
    }

    private bool CheckTopics()
    {
        if (_topicsReady)
            return true;
        if (_question is null)
        {
            _question = _log.Admin.DescribeTopics(TopicCheck.WatchedBy(_options, _stages), _cancellation.Token);
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

    // A loop that hangs in a call cannot say so itself. Past the limit the fleet is told, which fences it; then the
    // process ends, since what it hangs in may hold the stores for ever. Returns what hangs; null when nothing does.
    private string? WatchWorkers()
    {
        long now = Now();
        // A process that stood still as a whole has no stuck loops.
        if (now - _watchedAt > OrdinaryStep)
            _watchingSince = now;
        _watchedAt = now;
        if (_isStuck)
        {
            if (!Heartbeat.HasSaid(_announced!) && now - _stuckAt < OrdinaryStep * 5)
                return _reason;
            _lifecycle.InstanceRefused(_reason!);
            Move(InstanceState.Failed);
            return _reason;
        }

        string? hangs = null;
        foreach (Worker worker in _workers)
            hangs = WatchLoop($"worker {worker.Index}", worker.ProgressAt, worker.State.ToString(), now) ?? hangs;
        if (_restorer.DiskWait is { } wait)
            hangs = WatchLoop($"the store of {wait.Task}", now - (long)wait.Waited.TotalMilliseconds, wait.State.ToString(), now) ?? hangs;
        return WatchLoop("the restorer", _restorer.ProgressAt, "restoring", now) ?? hangs;
    }

    private string? WatchLoop(string loop, long progressAt, string state, long now)
    {
        long stuck = now - Math.Max(progressAt, _watchingSince);
        if (stuck < WaitingLogInterval)
            return null;
        string reason = $"{loop} has not come back for {stuck / 1000} s from a step it began while it was {state}";
        if (now - _waitingSince >= WaitingLogInterval)
        {
            _waitingSince = now;
            _logger.LoopStuck(loop, stuck / 1000, state);
        }

        if (stuck >= _options.StuckLimit.TotalMilliseconds && !_isStuck)
        {
            _isStuck = true;
            _stuckAt = now;
            Announce(MemberState.Stuck);
        }

        return reason;
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

    // What the page shows of the others.
    private void PublishFleet()
    {
        long now = Now();
        if (now < _nextFleetStatus || _control is null)
            return;
        _nextFleetStatus = now + FleetInterval;
        ControlState control = _control.State;
        Dictionary<TaskId, long> furthest = [];
        foreach (AnnouncedCopy copy in (_view?.Members ?? []).SelectMany(m => m.Copies))
            furthest[copy.Task] = Math.Max(copy.ChangelogOffset, furthest.GetValueOrDefault(copy.Task, -1));
        List<FleetMemberStatus> members = [];
        foreach (Incarnation incarnation in control.Incarnations.Values.OrderBy(i => i.InstanceId, StringComparer.Ordinal))
        {
            Announcement? said = _view?.Of(incarnation.Id);
            IReadOnlyList<Placement> share = control.Shares.TryGetValue(incarnation.Id, out PlanShare? found) ? found.Entries : [];
            members.Add(new FleetMemberStatus(
                incarnation.InstanceId,
                incarnation.Id,
                incarnation.State,
                incarnation.Reason,
                said?.Rack ?? "",
                said?.Endpoint ?? "",
                said is null ? -1 : _view!.SilenceOf(incarnation.Id),
                [.. share.Select(p => new FleetCopyStatus(p.Task, p.Role, Behind(p.Task, said, furthest)))]));
        }

        _fleet = new FleetStatus(control.Planner?.Instance, control.Planner?.Incarnation == _incarnation, control.PlanNumber, control.Plan?.At ?? 0, control.Plan?.Reasons ?? [], members);
    }

    private static long Behind(TaskId task, Announcement? said, Dictionary<TaskId, long> furthest) =>
        said?.CopyOf(task) is { ChangelogOffset: >= 0 } copy ? furthest[task] - copy.ChangelogOffset : -1;
}
