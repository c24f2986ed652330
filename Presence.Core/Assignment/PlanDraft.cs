using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>
/// The planner's next transaction in the making: verdicts on members, then who runs what. Reads what the control log and
/// the announcements say, changes nothing but itself.
/// </summary>
internal sealed class PlanDraft(InstanceOptions options, string own, ControlState control, FleetView view, Dictionary<(string Incarnation, TaskId Task), long> obsoleteSince, long now)
{
    private readonly Dictionary<string, Incarnation> _incarnations = new(control.Incarnations);
    private readonly HashSet<string> _registered = [];

    /// <summary>What is to be written; a null value deletes.</summary>
    public List<(byte[] Key, byte[]? Value)> Records { get; } = [];

    /// <summary>What changes and why, for people.</summary>
    public List<string> Reasons { get; } = [];

    /// <summary>Incarnations that are done with.</summary>
    public List<string> Gone { get; } = [];

    /// <summary>Whether it changes who runs what.</summary>
    public bool HasPlan { get; private set; }

    /// <summary>The plan's number, should it become one.</summary>
    public long Number => control.PlanNumber + 1;

    /// <summary>Whether anybody who is heard runs a task.</summary>
    public bool HasRunningTasks => Live.Any(i => view.Of(i.Id) is not null && control.Shares.TryGetValue(i.Id, out PlanShare? share) && share.Entries.Any(e => e.Role == ReplicaRole.Active));

    /// <summary>Whether all instances that had a part of the last plan are here again.</summary>
    public bool IsEverybodyBack
    {
        get
        {
            HashSet<string> expected = [.. control.Incarnations.Values.Where(i => control.Shares.ContainsKey(i.Id)).Select(i => i.InstanceId)];
            return expected.Count > 0 && expected.IsSubsetOf(Live.Where(i => view.Of(i.Id) is not null).Select(i => i.InstanceId));
        }
    }

    private IEnumerable<Incarnation> Live => _incarnations.Values.Where(i => i.State == IncarnationState.Live);

    /// <summary>Who joins, who is taken for dead, who has ended, who is done with.</summary>
    public void JudgeMembers(Func<string, bool> isFenced)
    {
        // Of several that say they are the same instance the newest counts; who is silent may be gone already.
        List<Announcement> newcomers = [.. view.Members.Where(a => !control.Incarnations.ContainsKey(a.Incarnation) && !control.DoneWith.Contains(a.Incarnation) && a.State == MemberState.Alive && !IsSilent(a.Incarnation))];
        foreach (Announcement newcomer in newcomers)
        {
            if (newcomers.Exists(a => a.Instance == newcomer.Instance && view.FirstHeard(a.Incarnation) > view.FirstHeard(newcomer.Incarnation)))
                continue;
            string? misfit = Misfit(newcomer);
            Set(new Incarnation(newcomer.Incarnation, newcomer.Instance, newcomer.Workers, misfit is null ? IncarnationState.Live : IncarnationState.Refused, now, misfit ?? ""));
            if (misfit is null)
                _registered.Add(newcomer.Incarnation);
            Reasons.Add(misfit is null ? $"{newcomer.Instance} joins" : $"{newcomer.Instance} is refused: {misfit}");
        }

        int condemned = control.Incarnations.Values.Count(i => i.State == IncarnationState.Condemned && !isFenced(i.Id));
        foreach (Incarnation incarnation in control.Incarnations.Values)
        {
            switch (incarnation.State)
            {
                case IncarnationState.Live:
                    Judge(incarnation, ref condemned);
                    break;
                case IncarnationState.Condemned when isFenced(incarnation.Id):
                    Remove(incarnation, $"{incarnation.InstanceId} is fenced: its tasks can go elsewhere");
                    break;
                case IncarnationState.Ended when IsBack(incarnation):
                    Remove(incarnation, null);
                    break;
                case IncarnationState.Ended when now - incarnation.Since > options.RestartGrace.TotalMilliseconds:
                    Remove(incarnation, $"{incarnation.InstanceId} was waited for {options.RestartGrace.TotalSeconds:0} s and has not come back");
                    break;
                case IncarnationState.Refused when IsSilent(incarnation.Id):
                    Remove(incarnation, null);
                    break;
            }
        }
    }

    /// <summary>Gives every task a place, as far as that is safe now.</summary>
    public void Place()
    {
        // Whose copies are not known yet would lose what it has; it will be heard, or be taken for dead.
        if (Live.Any(i => view.Of(i.Id) is null))
            return;

        Dictionary<string, int> stages = [];
        foreach (StageShape stage in (control.Plan?.Stages ?? []).Concat(Live.SelectMany(i => view.Of(i.Id)!.Stages)))
            stages.TryAdd(stage.Stage, stage.Partitions);
        List<FleetMember> members = [.. Live.Select(i => MemberOf(view.Of(i.Id)!))];
        HashSet<string> live = [.. members.Select(m => m.Incarnation)];
        List<Placement> current = [];
        HashSet<TaskId> untouched = [];
        foreach (PlanShare share in control.Shares.Values)
        {
            if (live.Contains(share.Incarnation))
                current.AddRange(share.Entries.Where(e => !IsReleased(e, share)));
            else
                untouched.UnionWith(Bound(share, members));
        }

        List<TaskId> tasks = [.. stages.OrderBy(s => s.Key, StringComparer.Ordinal).SelectMany(s => Enumerable.Range(0, s.Value).Select(p => new TaskId(s.Key, p))).Where(t => !untouched.Contains(t))];
        AssignorResult assigned = Assignor.Assign(new AssignorInput(
            tasks,
            members,
            [.. current.Where(p => !untouched.Contains(p.Task) && p.Role != ReplicaRole.Obsolete)],
            options.StandbyReplicas,
            options.WarmingMax,
            options.AcceptableLag));
        Reasons.AddRange(assigned.Reasons);

        List<Placement> next = [.. assigned.Placements, .. current.Where(p => untouched.Contains(p.Task) && p.Role != ReplicaRole.Obsolete)];
        next.AddRange(Obsolete(next, members));
        ILookup<string, Placement> placed = next.ToLookup(p => p.Incarnation);
        foreach (FleetMember member in members)
        {
            Placement[] entries = [.. placed[member.Incarnation].OrderBy(p => p.Task.Stage, StringComparer.Ordinal).ThenBy(p => p.Task.Partition)];
            // An empty one, too: it says that nothing more is to come.
            if (control.Shares.TryGetValue(member.Incarnation, out PlanShare? before) && before.Entries.SequenceEqual(entries))
                continue;
            Records.Add((PlanShare.KeyOf(member.Incarnation), new PlanShare(member.Incarnation, Number, entries).Value()));
            HasPlan = true;
        }

        StageShape[] shapes = [.. stages.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new StageShape(s.Key, s.Value))];
        string[] deputies = Deputies(members);
        HasPlan |= Gone.Count > 0 || _registered.Count > 0 || control.Plan is null || !control.Plan.Stages.SequenceEqual(shapes) || !control.Plan.Deputies.SequenceEqual(deputies);
        if (HasPlan)
            Records.Add((PlanHeader.Key(), new PlanHeader(Number, now, options.InstanceId, deputies, shapes, [.. Reasons.Take(50)]).Value()));
    }

    // Copies that have no part in the plan, while their task runs elsewhere and has all its replicas ready, go after a
    // while. So the last copy never goes.
    private IEnumerable<Placement> Obsolete(List<Placement> placements, List<FleetMember> members)
    {
        HashSet<(string, TaskId)> used = [.. placements.Where(p => p.Role != ReplicaRole.Obsolete).Select(p => (p.Incarnation, p.Task))];
        Dictionary<TaskId, int> ready = [];
        foreach (Placement placement in placements)
        {
            CopyState? state = view.Of(placement.Incarnation)?.CopyOf(placement.Task)?.State;
            if (placement.Role == ReplicaRole.Active && state == CopyState.Running)
                ready[placement.Task] = ready.GetValueOrDefault(placement.Task) + 1 + options.StandbyReplicas;
            else if (placement.Role == ReplicaRole.Standby && state != CopyState.Ready)
                ready[placement.Task] = ready.GetValueOrDefault(placement.Task) - 1_000;
        }

        HashSet<(string, TaskId)> obsolete = [];
        foreach (FleetMember member in members)
        {
            foreach (TaskId task in member.Copies.Keys)
            {
                if (!used.Contains((member.Incarnation, task)) && ready.GetValueOrDefault(task) > 0)
                    obsolete.Add((member.Incarnation, task));
            }
        }

        foreach (var known in obsoleteSince.Keys.Where(k => !obsolete.Contains(k)).ToList())
            obsoleteSince.Remove(known);
        foreach ((string incarnation, TaskId task) in obsolete)
        {
            obsoleteSince.TryAdd((incarnation, task), now);
            if (now - obsoleteSince[(incarnation, task)] >= options.ObsoleteAfter.TotalMilliseconds)
                yield return new Placement(task, incarnation, ReplicaRole.Obsolete, 0);
        }
    }

    private bool IsSilent(string incarnation) => view.SilenceOf(incarnation) >= options.HeartbeatTimeout.TotalMilliseconds;

    private void Judge(Incarnation incarnation, ref int condemned)
    {
        Announcement? said = view.Of(incarnation.Id);
        string? verdict = null;
        if (said?.State == MemberState.Ended)
        {
            Set(incarnation with { State = IncarnationState.Ended, Since = now });
            Reasons.Add($"{incarnation.InstanceId} has left");
            return;
        }

        if (said?.State == MemberState.Stuck)
            verdict = "it says that a part of it is stuck";
        else if (_registered.Any(r => _incarnations[r].InstanceId == incarnation.InstanceId))
            verdict = "its instance has begun anew";
        else if (incarnation.Id != own && view.SilenceOf(incarnation.Id) is long silence && IsSilent(incarnation.Id) && condemned < Math.Max(1, Live.Count() / 2))
            verdict = $"silent for {silence / 1000.0:0.0} s";
        if (verdict is null)
            return;
        condemned++;
        Set(incarnation with { State = IncarnationState.Condemned, Since = now, Reason = verdict });
        Reasons.Add($"{incarnation.InstanceId} is taken for dead ({verdict}); its tasks wait until it is fenced");
    }

    // Of an incarnation that is no member any more: tasks that nobody may have yet.
    private IEnumerable<TaskId> Bound(PlanShare share, List<FleetMember> members)
    {
        Incarnation? incarnation = _incarnations.GetValueOrDefault(share.Incarnation);
        foreach (Placement entry in share.Entries)
        {
            if (entry.Role is not (ReplicaRole.Active or ReplicaRole.Releasing))
                continue;
            switch (incarnation?.State)
            {
                case IncarnationState.Condemned:
                    yield return entry.Task;
                    break;
                case IncarnationState.Ended when entry.Role == ReplicaRole.Active && !HasReadyCopy(entry.Task, share.Incarnation, members):
                    yield return entry.Task;
                    break;
            }
        }
    }

    // Whether somebody can go on with a task about where an instance that will come back left it.
    private bool HasReadyCopy(TaskId task, string ended, List<FleetMember> members)
    {
        long left = view.Of(ended)?.CopyOf(task)?.ChangelogOffset ?? -1;
        return members.Exists(m => m.Copies.TryGetValue(task, out long offset) && (left < 0 || offset >= left - options.AcceptableLag));
    }

    // A release counts only with a plan applied that is not older than the one that asked for it.
    private bool IsReleased(Placement entry, PlanShare share) =>
        entry.Role == ReplicaRole.Releasing && view.Of(share.Incarnation) is { } said && said.AppliedPlan >= share.Number && !said.Holds(entry.Task);

    private string? Misfit(Announcement newcomer)
    {
        foreach (StageShape known in control.Plan?.Stages ?? [])
        {
            foreach (StageShape stage in newcomer.Stages)
            {
                if (stage.Stage == known.Stage && stage.Partitions != known.Partitions)
                    return $"it sees {stage.Partitions} partitions of {stage.Stage}, the fleet's plan has {known.Partitions}: keys would go elsewhere. Restore the topics' partition counts, or stop the whole fleet and reset the stage";
            }
        }

        return null;
    }

    private bool IsBack(Incarnation ended) => Live.Any(i => i.InstanceId == ended.InstanceId && i.Id != ended.Id && view.Of(i.Id) is not null);

    private string[] Deputies(List<FleetMember> members)
    {
        string ownRack = members.Find(m => m.Incarnation == own)?.Rack ?? "";
        IReadOnlyList<string> before = control.Plan?.Deputies ?? [];
        return [.. members.Where(m => m.Incarnation != own)
            .OrderBy(m => before.Contains(m.Incarnation) ? 0 : 1)
            .ThenBy(m => m.Rack.Length > 0 && m.Rack == ownRack ? 1 : 0)
            .ThenBy(m => m.Instance, StringComparer.Ordinal)
            .Take(2)
            .Select(m => m.Incarnation)];
    }

    private static FleetMember MemberOf(Announcement said)
    {
        Dictionary<TaskId, long> copies = [];
        foreach (AnnouncedCopy copy in said.Copies)
            copies[copy.Task] = copy.ChangelogOffset;
        return new FleetMember(said.Incarnation, said.Instance, said.Rack, said.Stages.Select(s => s.Stage).ToHashSet(), said.Workers, copies, said.Copies.Where(c => c.State == CopyState.Ready).Select(c => c.Task).ToHashSet());
    }

    private void Set(Incarnation incarnation)
    {
        _incarnations[incarnation.Id] = incarnation;
        Records.Add((incarnation.Key(), incarnation.Value()));
    }

    private void Remove(Incarnation incarnation, string? reason)
    {
        _incarnations.Remove(incarnation.Id);
        Gone.Add(incarnation.Id);
        Records.Add((incarnation.Key(), null));
        if (control.Shares.ContainsKey(incarnation.Id))
            Records.Add((PlanShare.KeyOf(incarnation.Id), null));
        if (reason is not null)
            Reasons.Add(reason);
    }
}
