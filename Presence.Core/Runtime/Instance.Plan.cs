using Microsoft.Extensions.Logging;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Stages;

namespace Presence.Core.Runtime;

/// <summary>Following plans: what is held, what is followed, what is said of it; and the planner's role.</summary>
public sealed partial class Instance
{
    // A task that this incarnation may run: from the plan that gives it until it is known to be closed.
    private sealed class HeldTask
    {
        public required int Worker { get; set; }

        /// <summary>The worker has it; before, the restorer.</summary>
        public bool IsOnWorker { get; set; }

        public bool IsLeaving { get; set; }
    }

    private readonly Dictionary<TaskId, TakeoverRequest> _requests = [];
    private readonly Dictionary<TaskId, HeldTask> _held = [];
    private readonly HashSet<TaskId> _followed = [];
    private readonly HashSet<TaskId> _lookedAt = [];
    private HashSet<TaskId> _toFollow = [];
    private volatile HashSet<TaskId> _warming = [];
    private readonly Dictionary<TaskId, long> _onDisk = [];
    private IReadOnlyList<StreamTask> _running = [];
    private volatile IReadOnlyList<TaskId> _heldTasks = [];
    private ControlReader? _control;
    private FleetView? _view;
    private Planner? _planner;
    private Announcement? _announced;
    private long _announcedAt;
    private long _firstAnnouncedAt;
    private long _appliedPlan;
    private bool _wasRegistered;
    private bool _isLeader;
    private long _plannerBeats;
    private long _plannerSeenAt;
    private volatile FleetStatus? _fleet;
    private long _nextFleetStatus;

    // Everything this instance could run.
    private void DescribeTasks()
    {
        _requests.Clear();
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
                _requests.Add(id, new TakeoverRequest(id, stage, topics, description.Id, DeleteRetentionOf(description), policy, -1, _options.StoreBounds));
            }
        }
    }

    private static TimeSpan DeleteRetentionOf(TopicDescription changelog) =>
        changelog.Configuration.TryGetValue("delete.retention.ms", out string? text) && long.TryParse(text, out long ms)
            ? TimeSpan.FromMilliseconds(Math.Clamp(ms, 0, (long)TimeSpan.FromDays(3650).TotalMilliseconds))
            : TimeSpan.FromDays(1);

    private void ReadControl(TimeSpan wait)
    {
        if (_control is null)
            return;
        _control.Poll(wait, _cancellation.Token);
        if (_control.State.PlannerBeats != _plannerBeats || _control.HealthySince > _plannerSeenAt)
            _plannerSeenAt = _time.GetTimestamp();
        _plannerBeats = _control.State.PlannerBeats;
        if (_control.Failure is { } failure)
            Refuse(failure);
        else if (_control.State.Unreadable is { } key)
            Refuse($"the control log holds a record ({key}) that a newer version of Presence wrote: run this instance with the newer version");
    }

    // Obeys what the last plan says of this incarnation, and of no other.
    private void FollowPlan()
    {
        ControlState control = _control!.State;
        control.Incarnations.TryGetValue(_incarnation, out Incarnation? own);
        // It may have slept through being taken in as well as through being fenced.
        _wasRegistered |= own is not null || control.DoneWith.Contains(_incarnation);
        if (own is null ? _wasRegistered : own.State == IncarnationState.Condemned)
        {
            // Another one with the same instance id that was taken in later has this one's place.
            if (control.Incarnations.Values.Any(i => i.InstanceId == _options.InstanceId && i.Id != _incarnation && i.State == IncarnationState.Live))
                Refuse($"another process took over the instance id '{_options.InstanceId}'");
            else
                EndIncarnation($"the fleet has taken it for dead{(own is null ? ", and has fenced it" : $": {own.Reason}")}");
            return;
        }

        if (own?.State == IncarnationState.Refused)
        {
            Refuse($"the fleet refuses this instance: {own.Reason}");
            return;
        }

        if (own is null && IsPassedOver())
        {
            EndIncarnation($"the planner is there and has not taken it in for {TakeInLimit.TotalSeconds:0} s");
            return;
        }

        if (control.PlanNumber == _appliedPlan)
            return;
        _appliedPlan = control.PlanNumber;
        IReadOnlyList<Placement> share = control.Shares.TryGetValue(_incarnation, out PlanShare? found) ? found.Entries : [];
        HashSet<TaskId> active = [], followed = [], obsolete = [];
        HashSet<TaskId> warming = [];
        foreach (Placement entry in share.Where(e => _requests.ContainsKey(e.Task)))
        {
            switch (entry.Role)
            {
                case ReplicaRole.Active:
                    active.Add(entry.Task);
                    TakeUp(entry);
                    break;
                case ReplicaRole.Obsolete:
                    obsolete.Add(entry.Task);
                    break;
                case ReplicaRole.Standby or ReplicaRole.Warming:
                    followed.Add(entry.Task);
                    if (entry.Role == ReplicaRole.Warming)
                        warming.Add(entry.Task);
                    break;
            }
        }

        foreach (TaskId task in _held.Keys.Where(t => !active.Contains(t)).ToList())
            GiveUp(task);
        // A copy that could not be looked at yet is looked at on.
        HashSet<TaskId> unknown = [.. _restorer.Status.Where(s => s is { State: TaskState.Closed, ChangelogOffset: < 0 } && !obsolete.Contains(s.Task)).Select(s => s.Task)];
        foreach (TaskId task in _followed.Concat(_lookedAt).Where(t => !_held.ContainsKey(t) && !followed.Contains(t) && !unknown.Contains(t)).ToList())
            _restorer.Drop(task);
        _followed.IntersectWith(followed);
        _lookedAt.IntersectWith(unknown);

        foreach (TaskId task in obsolete.Where(t => !_held.ContainsKey(t)))
            _restorer.Delete(task);
        _toFollow = followed;
        _warming = warming;
        _lifecycle.PlanRead(_appliedPlan, active.Count, followed.Count);
        FollowFree();
    }

    // Why it has no tasks yet; null when it has some, or is to have none.
    private string? PlanWaitReason
    {
        get
        {
            ControlState control = _control!.State;
            if (!control.Shares.ContainsKey(_incarnation))
                return _planner?.Waiting is { } waiting ? $"waits for {waiting}" : $"waits for the fleet's planner to {(_wasRegistered ? "give it its part" : "take it in")}";
            if (_held.Count + _toFollow.Count > 0)
                return null;
            // What these had may come here when they are done with.
            return control.Incarnations.Values.FirstOrDefault(i => i.Id != _incarnation && (i.State == IncarnationState.Condemned || i.InstanceId == _options.InstanceId)) is { } leaving
                ? $"waits for {leaving.InstanceId}'s incarnation {leaving.Id} to be fenced"
                : null;
        }
    }

    private TimeSpan TakeInLimit => _options.HeartbeatTimeout * 6;

    // Another instance plans, and has not taken this one in though it has announced itself for long: it was fenced, and
    // compaction has removed what the control log said of it before that was read here.
    private bool IsPassedOver() =>
        _planner is null
        && _firstAnnouncedAt != 0
        && _time.GetElapsedTime(_firstAnnouncedAt) > TakeInLimit
        && _time.GetElapsedTime(_plannerSeenAt) < _options.HeartbeatTimeout;

    // A task that is still being closed here is followed when that is done.
    private void FollowFree()
    {
        foreach (TaskId task in _toFollow)
        {
            if (!_held.ContainsKey(task) && _followed.Add(task))
                _restorer.Follow(_requests[task]);
        }
    }

    private void TakeUp(Placement entry)
    {
        if (_held.TryGetValue(entry.Task, out HeldTask? held))
        {
            if (!held.IsLeaving)
                return;
            throw new InvalidOperationException($"{entry.Task} is given anew by plan {_appliedPlan} before it was released");
        }

        int worker = Math.Min(entry.Worker, _workers.Count - 1);
        _held.Add(entry.Task, new HeldTask { Worker = worker });
        _followed.Remove(entry.Task);
        _restorer.Run(_requests[entry.Task] with { Worker = worker });
        _heldTasks = [.. _held.Keys];
    }

    private void GiveUp(TaskId task)
    {
        HeldTask held = _held[task];
        if (held.IsLeaving)
            return;
        held.IsLeaving = true;
        if (held.IsOnWorker)
            _workers[held.Worker].Release(task);
        else
            _restorer.Drop(task);
    }

    private void Released(TaskId task, long changelogOffset)
    {
        if (changelogOffset >= 0)
            _onDisk[task] = changelogOffset;
        if (!_held.Remove(task))
            return;
        _running = [.. _running.Where(t => t.Id != task)];
        _heldTasks = [.. _held.Keys];
        FollowFree();
    }

    private void TakeResults()
    {
        while (_restorer.TryTakeReady(out StreamTask task, out int worker))
        {
            if (State == InstanceState.Running && _held.TryGetValue(task.Id, out HeldTask? held) && !held.IsLeaving)
            {
                held.IsOnWorker = true;
                _onDisk.Remove(task.Id);
                _workers[worker].Add(task);
                _running = [.. _running.Where(t => t.Id != task.Id), task];
                continue;
            }

            // It was to be given up while it was taken over: nothing of it was fed.
            Released(task.Id, task.Close());
        }

        while (_restorer.TryTakeDropped(out TaskId dropped, out long position))
        {
            if (_held.TryGetValue(dropped, out HeldTask? held) && held is { IsOnWorker: false, IsLeaving: true })
                Released(dropped, position);
            else if (position >= 0)
                _onDisk[dropped] = position;
        }

        while (_restorer.TryTakeDeleted(out TaskId deleted))
            _onDisk.Remove(deleted);
        foreach (Worker worker in _workers)
        {
            while (worker.TryTakeLost(out TaskLost lost))
            {
                if (!_held.TryGetValue(lost.Task, out HeldTask? held))
                    continue;
                held.IsOnWorker = false;
                // One that is leaving is reported as released as well; nobody must take its copy for a good one.
                if (held.IsLeaving && lost.IsDamaged)
                    _restorer.Delete(lost.Task);
                else if (!held.IsLeaving && State == InstanceState.Running)
                    _restorer.Run(_requests[lost.Task] with { Worker = held.Worker, Damage = lost.IsDamaged ? lost.Reason : null });
            }

            while (worker.TryTakeReleased(out TaskId released, out long offset))
                Released(released, offset);
            if (worker.State == WorkerState.Failed && State == InstanceState.Running)
            {
                EndIncarnation(worker.Failure!);
                return;
            }
        }
    }

    // A snapshot for the heartbeat, made anew when it is due, or when something has changed that others wait for.
    private Announcement Announce(MemberState state)
    {
        bool isDue = _announced is null || _time.GetElapsedTime(_announcedAt) >= _options.BeatInterval / 2;
        bool isNews = _announced is null || _announced.State != state || _announced.AppliedPlan != _appliedPlan || _heldSaid != _held.Count || _sayAgain;
        if (!isDue && !isNews)
            return _announced!;
        Dictionary<TaskId, AnnouncedCopy> copies = [];
        foreach ((TaskId task, long offset) in _onDisk)
            copies[task] = new AnnouncedCopy(task, CopyState.OnDisk, offset);
        foreach (TaskStatus status in _restorer.Status)
        {
            if (status.ChangelogOffset >= 0)
                copies[status.Task] = new AnnouncedCopy(status.Task, !_followed.Contains(status.Task) ? CopyState.OnDisk : status.State == TaskState.Running ? CopyState.Ready : CopyState.Following, status.ChangelogOffset);
        }

        HashSet<TaskId> running = [];
        foreach (Worker worker in _workers)
        {
            foreach (TaskStatus status in worker.Status)
            {
                running.Add(status.Task);
                copies[status.Task] = new AnnouncedCopy(status.Task, CopyState.OnDisk, status.ChangelogOffset);
            }
        }

        // What is held is known here alone, and exactly.
        foreach (TaskId task in _held.Keys)
            copies[task] = new AnnouncedCopy(task, running.Contains(task) ? CopyState.Running : CopyState.Held, copies.TryGetValue(task, out AnnouncedCopy copy) ? copy.ChangelogOffset : -1);
        _heldSaid = _held.Count;
        _sayAgain = false;
        _announcedAt = _time.GetTimestamp();
        StageShape[] stages = [.. _stages.Select(s => new StageShape(s.Name, _topics[s.Inputs[0]].Partitions))];
        _announced = new Announcement(_incarnation, 0, _options.InstanceId, _options.Rack, _options.Endpoint, state, _options.Workers, _appliedPlan, stages, [.. copies.Values.OrderBy(c => c.Task.Stage, StringComparer.Ordinal).ThenBy(c => c.Task.Partition)]);
        if (_firstAnnouncedAt == 0)
            _firstAnnouncedAt = _announcedAt;
        Heartbeat.Announce(_announced, isNews);
        return _announced;
    }

    private int _heldSaid;
    private bool _sayAgain;
    private long _roleLostAt;

    // A planner decides nothing before it has heard itself: it need not wait for its next beat.
    private void PollView(FleetView view)
    {
        bool wasListening = view.IsListening;
        view.Poll(_cancellation.Token);
        _sayAgain |= !wasListening && view.IsListening;
    }

    // The group's leader is the planner where there is none; deputies step in when it falls silent; an instance that is
    // back takes up what it had.
    private void StepPlanner()
    {
        ControlState control = _control!.State;
        int deputy = control.Plan is { } plan ? plan.Deputies.ToList().IndexOf(_incarnation) : -1;
        if (_planner is not null)
        {
            PollView(_view!);
            if (State == InstanceState.Stopping && control.Incarnations.TryGetValue(_incarnation, out Incarnation? own) && own.State == IncarnationState.Ended)
                _planner.Resign();
            _planner.Step(_cancellation.Token);
            if (_planner.Failure is { } failure)
            {
                _lifecycle.PlannerEnded(_options.InstanceId, failure);
                _planner.Dispose();
                _planner = null;
                _roleLostAt = _time.GetTimestamp();
            }

            return;
        }

        if (deputy >= 0 || _view is not null)
        {
            _view ??= new FleetView(_log, _options.ApplicationId, _incarnation, _options.HeartbeatTimeout, _time);
            PollView(_view);
        }

        // Who may not read the control log does not hear the planner, and could not plan.
        if (State != InstanceState.Running || _control.Waiting is not null)
            return;
        // Who has lost the role leaves it to the others for as long as if a planner had been heard.
        TimeSpan silence = _time.GetElapsedTime(Math.Max(_plannerSeenAt, _roleLostAt));
        TimeSpan limit = _options.HeartbeatTimeout * 2 / 3;
        PlannerBeat? planner = control.Planner;
        bool takes = planner switch
        {
            null => _isLeader,
            // The state directory's lock says that it is gone.
            _ when planner.Instance == _options.InstanceId && planner.Incarnation != _incarnation => true,
            // Nobody else comes before one that can plan at once.
            _ when _announced is null => false,
            { IsResigning: true } when deputy == 0 || silence > limit => true,
            _ => (deputy >= 0 && silence > limit * (1 + (deputy * 0.5))) || (_isLeader && silence > limit * 3) || silence > limit * 6,
        };
        if (!takes)
            return;
        _plannerSeenAt = _time.GetTimestamp();
        _view ??= new FleetView(_log, _options.ApplicationId, _incarnation, _options.HeartbeatTimeout, _time);
        _planner = new Planner(_log, _options, _incarnation, _control, _view, _time, _lifecycle, _logger);
    }
}
