using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>Tasks, members and their loads while a plan is made. Members in the order of their names.</summary>
internal sealed class AssignorTable
{
    private readonly FleetMember[] _members;
    private readonly long _acceptableLag;
    private readonly bool[][] _canRun;
    private readonly List<int>[] _able;
    private readonly int[] _racks;
    private readonly int[] _load;
    private readonly int[][] _stageLoad;
    private readonly int[] _total;
    private readonly HashSet<AssignorTask>[] _owned;
    private readonly SortedSet<(int Load, int Member)>[] _byLoad;
    private readonly SortedSet<(int Total, int Member)>[] _byTotal;
    private readonly SortedSet<(int Load, int Member)> _allByLoad = [];
    private int _aboveEven;

    public AssignorTable(AssignorInput input)
    {
        _acceptableLag = input.AcceptableLag;
        _members = [.. input.Members.OrderBy(m => m.Instance, StringComparer.Ordinal).ThenBy(m => m.Incarnation, StringComparer.Ordinal)];
        _load = new int[_members.Length];
        _total = new int[_members.Length];
        _owned = [.. _members.Select(_ => new HashSet<AssignorTask>())];
        string[] stages = [.. input.Tasks.Select(t => t.Stage).Distinct().OrderBy(s => s, StringComparer.Ordinal)];
        Dictionary<string, int> stageIndex = stages.Select((s, i) => (s, i)).ToDictionary(s => s.s, s => s.i);
        _canRun = [.. stages.Select(s => _members.Select(m => m.Stages.Contains(s)).ToArray())];
        _able = [.. _canRun.Select(c => Enumerable.Range(0, _members.Length).Where(m => c[m]).ToList())];
        _racks = [.. _able.Select(a => a.Select(m => _members[m].Rack.Length > 0 ? _members[m].Rack : $"/{m}").Distinct().Count())];
        _stageLoad = [.. _members.Select(_ => new int[stages.Length])];
        _byLoad = [.. _able.Select(a => new SortedSet<(int, int)>(a.Select(m => (0, m))))];
        _byTotal = [.. _able.Select(a => new SortedSet<(int, int)>(a.Select(m => (0, m))))];
        for (int m = 0; m < _members.Length; m++)
            _allByLoad.Add((0, m));

        Tasks = [.. input.Tasks.Distinct().OrderBy(t => t.Stage, StringComparer.Ordinal).ThenBy(t => t.Partition).Select(t => new AssignorTask(t, stageIndex[t.Stage]))];
        Dictionary<TaskId, AssignorTask> byId = Tasks.ToDictionary(t => t.Id);
        Dictionary<string, int> byIncarnation = [];
        for (int m = 0; m < _members.Length; m++)
        {
            byIncarnation.Add(_members[m].Incarnation, m);
            foreach ((TaskId id, long offset) in _members[m].Copies)
            {
                // A copy where the stage does not run helps nobody.
                if (offset < 0 || !byId.TryGetValue(id, out AssignorTask? task) || !CanRun(m, task))
                    continue;
                task.Copies.Add((m, offset));
                task.Furthest = Math.Max(task.Furthest, offset);
            }
        }

        foreach (Placement placement in input.Current)
        {
            if (byId.TryGetValue(placement.Task, out AssignorTask? task) && byIncarnation.TryGetValue(placement.Incarnation, out int member))
                task.Current.Add((member, placement.Role, placement.Worker));
        }

        foreach (AssignorTask task in Tasks)
            task.Current.Sort();
    }

    public IReadOnlyList<AssignorTask> Tasks { get; }

    private int Even => Tasks.Count / _members.Length;

    public bool CanRun(int member, AssignorTask task) => _canRun[task.Stage][member];

    public List<int> AbleOf(AssignorTask task) => _able[task.Stage];

    public bool IsCaughtUp(AssignorTask task, long offset) => offset >= task.Furthest - _acceptableLag;

    /// <summary>Whether its copy follows the changelog and has all of it: it could run the task at once.</summary>
    public bool IsReady(AssignorTask task, int member) => task.Follows(member) && _members[member].Ready.Contains(task.Id);

    /// <summary>How far its copy is; -1: it has none.</summary>
    public long OffsetOf(AssignorTask task, int member) => _members[member].Copies.GetValueOrDefault(task.Id, -1);

    public string NameOf(int member) => _members[member].Instance;

    /// <summary>Tasks it runs, or will run when what is planned is done.</summary>
    public int Load(int member) => _load[member];

    /// <summary>Of those, the ones of the task's stage.</summary>
    public int StageLoad(int member, AssignorTask task) => _stageLoad[member][task.Stage];

    /// <summary>Copies it has by the plan, active ones and others.</summary>
    public int Total(int member) => _total[member];

    /// <summary>Whether both fail together; who has no rack is alone in its own.</summary>
    public bool SameRack(int a, int b) => a == b || (_members[a].Rack.Length > 0 && _members[a].Rack == _members[b].Rack);

    /// <summary>How many racks there are among those that can run it.</summary>
    public int RacksOf(AssignorTask task) => _racks[task.Stage];

    /// <summary>The one with the fewest tasks of those that can run it; -1 none.</summary>
    public int LeastLoaded(AssignorTask task) => _byLoad[task.Stage].Count == 0 ? -1 : _byLoad[task.Stage].Min.Member;

    /// <summary>Those that can run it, the ones with the fewest copies first.</summary>
    public IEnumerable<int> ByTotal(AssignorTask task) => _byTotal[task.Stage].Select(t => t.Member);

    /// <summary>The one with the most tasks beside those named; -1 none.</summary>
    public int MostLoaded(HashSet<int> but)
    {
        foreach ((int load, int member) in _allByLoad.Reverse())
        {
            if (load == 0)
                return -1;
            if (!but.Contains(member))
                return member;
        }

        return -1;
    }

    /// <summary>The tasks a member runs, in order.</summary>
    public IEnumerable<AssignorTask> OwnedBy(int member) => _owned[member].OrderBy(t => t.Id.Stage, StringComparer.Ordinal).ThenBy(t => t.Id.Partition);

    /// <summary>
    /// Of two that are caught up: the one it was warmed up on; else the one that follows it, that has not its even part of
    /// the tasks already, whose copy is the furthest, that has fewer tasks, that comes first.
    /// </summary>
    public bool IsBetterOwner(AssignorTask task, int candidate, int than) => Rank(task, candidate).CompareTo(Rank(task, than)) < 0;

    private (bool, bool, bool, long, int, int, int) Rank(AssignorTask task, int member) => (
        !task.Current.Exists(c => c.Member == member && c.Role == ReplicaRole.Warming),
        !task.Follows(member),
        HasItsPart(member),
        -OffsetOf(task, member),
        _load[member],
        StageLoad(member, task),
        member);

    // Of what is left when all have the same, each gets one at most.
    private bool HasItsPart(int member) => _load[member] > Even || (_load[member] == Even && _aboveEven >= Tasks.Count % _members.Length);

    public void SetOwner(AssignorTask task, int member, int worker)
    {
        task.Owner = member;
        task.OwnerWorker = worker;
        _owned[member].Add(task);
        Add(task, member, 1);
        AddTotal(member, 1);
    }

    /// <summary>Somebody else is to run it: from now on it counts there.</summary>
    public void SetTarget(AssignorTask task, int member)
    {
        if (_owned[task.Owner].Remove(task))
            Add(task, task.Owner, -1);
        task.Target = member;
        Add(task, member, 1);
        AddTotal(member, 1);
    }

    public void AddStandby(AssignorTask task, int member)
    {
        task.Standbys.Add(member);
        AddTotal(member, 1);
    }

    public IReadOnlyList<Placement> ToPlacements()
    {
        // Workers that are kept first, so that those to be chosen fill the gaps.
        int[][] workers = [.. _members.Select(m => new int[Math.Max(1, m.Workers)])];
        foreach (AssignorTask task in Tasks)
        {
            if (task.Owner >= 0 && task.OwnerWorker >= 0 && task.OwnerWorker < workers[task.Owner].Length)
                workers[task.Owner][task.OwnerWorker]++;
        }

        List<Placement> placements = [];
        foreach (AssignorTask task in Tasks)
        {
            if (task.Owner >= 0)
            {
                if (task.OwnerWorker < 0)
                {
                    int[] counts = workers[task.Owner];
                    task.OwnerWorker = Array.IndexOf(counts, counts.Min());
                    counts[task.OwnerWorker]++;
                }

                placements.Add(new Placement(task.Id, _members[task.Owner].Incarnation, task.IsReleasing ? ReplicaRole.Releasing : ReplicaRole.Active, task.OwnerWorker));
            }

            placements.AddRange(task.Standbys.Select(m => new Placement(task.Id, _members[m].Incarnation, ReplicaRole.Standby, 0)).OrderBy(p => p.Incarnation, StringComparer.Ordinal));
            if (task.Target >= 0)
                placements.Add(new Placement(task.Id, _members[task.Target].Incarnation, ReplicaRole.Warming, 0));
        }

        return placements;
    }

    private void Add(AssignorTask task, int member, int by)
    {
        _stageLoad[member][task.Stage] += by;
        Move(_allByLoad, member, _load[member], by);
        for (int stage = 0; stage < _byLoad.Length; stage++)
        {
            if (_canRun[stage][member])
                Move(_byLoad[stage], member, _load[member], by);
        }

        _aboveEven += (_load[member] + by > Even ? 1 : 0) - (_load[member] > Even ? 1 : 0);
        _load[member] += by;
    }

    private void AddTotal(int member, int by)
    {
        for (int stage = 0; stage < _byTotal.Length; stage++)
        {
            if (_canRun[stage][member])
                Move(_byTotal[stage], member, _total[member], by);
        }

        _total[member] += by;
    }

    private static void Move(SortedSet<(int, int)> set, int member, int at, int by)
    {
        set.Remove((at, member));
        set.Add((at + by, member));
    }
}
