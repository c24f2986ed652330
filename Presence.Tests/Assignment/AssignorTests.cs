using FsCheck;
using FsCheck.Fluent;
using Presence.Core.Assignment;
using Presence.Core.Runtime;

namespace Presence.Tests.Assignment;

/// <summary>Properties of plans, on fleets made from seeds.</summary>
internal sealed class AssignorTests
{
    private const long Lag = 100;
    private const int Rounds = 400;

    /// <summary>A fleet that lives: plans are followed, releases confirmed, copies caught up.</summary>
    private sealed class Fleet
    {
        private readonly Random _random;
        private int _incarnations;

        public Fleet(int seed)
        {
            _random = new Random(seed);
            string[] stages = [.. Enumerable.Range(0, 1 + _random.Next(3)).Select(i => $"stage-{i}")];
            Tasks = [.. stages.SelectMany(s => Enumerable.Range(0, 1 + _random.Next(8)).Select(p => new TaskId(s, p)))];
            Stages = stages;
            StandbyReplicas = _random.Next(3);
            WarmingMax = 1 + _random.Next(6);
            int members = 1 + _random.Next(6);
            bool hasRacks = _random.Next(3) > 0;
            bool hasAllStages = _random.Next(3) > 0;
            for (int i = 0; i < members; i++)
                Join($"i{i}", hasRacks ? $"rack-{_random.Next(3)}" : "", hasAllStages);
        }

        public string[] Stages { get; }

        public IReadOnlyList<TaskId> Tasks { get; }

        public int StandbyReplicas { get; }

        public int WarmingMax { get; }

        public List<FleetMember> Members { get; } = [];

        public List<Placement> Current { get; private set; } = [];

        public FleetMember Join(string instance, string rack, bool hasAllStages)
        {
            HashSet<string> stages = [.. Stages.Where(_ => hasAllStages || _random.Next(3) > 0)];
            FleetMember member = new($"x{_incarnations++}", instance, rack, stages, 1 + _random.Next(3), new Dictionary<TaskId, long>(), new HashSet<TaskId>());
            Members.Add(member);
            return member;
        }

        public void Leave(FleetMember member)
        {
            Members.Remove(member);
            Current.RemoveAll(p => p.Incarnation == member.Incarnation);
        }

        public void SetCopy(FleetMember member, TaskId task, long offset) => ((Dictionary<TaskId, long>)member.Copies)[task] = offset;

        public AssignorInput Input() => new(Tasks, Members, Current, StandbyReplicas, WarmingMax, Lag);

        /// <summary>The next plan, held against what every plan must be; then followed.</summary>
        public AssignorResult Step()
        {
            AssignorInput input = Input();
            AssignorResult plan = Assignor.Assign(input);
            Check(input, plan);
            Current = [.. plan.Placements];
            return plan;
        }

        /// <summary>Holders release what they are told to, and whoever follows catches up.</summary>
        public void Follow()
        {
            Current.RemoveAll(p => p.Role == ReplicaRole.Releasing);
            foreach (Placement placement in Current)
            {
                FleetMember member = Members.Single(m => m.Incarnation == placement.Incarnation);
                SetCopy(member, placement.Task, 3_000);
                ((HashSet<TaskId>)member.Ready).Add(placement.Task);
            }
        }

        /// <summary>Until nothing changes.</summary>
        public void Settle()
        {
            Follow();
            for (int round = 0; round < Rounds; round++)
            {
                List<Placement> before = [.. Current];
                AssignorResult plan = Step();
                bool releases = Current.Exists(p => p.Role == ReplicaRole.Releasing);
                Follow();
                if (!releases && before.ToHashSet().SetEquals(Current))
                {
                    Assert.That(plan.Reasons, Is.Empty, "nothing changed");
                    return;
                }
            }

            Assert.Fail($"{Rounds} plans, and no end");
        }
    }

    private static void Check(AssignorInput input, AssignorResult plan)
    {
        foreach (TaskId task in input.Tasks)
        {
            List<Placement> placements = [.. plan.Placements.Where(p => p.Task == task)];
            List<Placement> before = [.. input.Current.Where(p => p.Task == task)];
            List<FleetMember> able = [.. input.Members.Where(m => m.Stages.Contains(task.Stage))];
            FleetMember MemberOf(Placement p) => input.Members.Single(m => m.Incarnation == p.Incarnation);
            Placement[] owners = [.. placements.Where(p => p.Role is ReplicaRole.Active or ReplicaRole.Releasing)];
            Assert.That(owners, Has.Length.EqualTo(able.Count > 0 || before.Exists(p => p.Role is ReplicaRole.Active or ReplicaRole.Releasing) ? 1 : 0), $"owners of {task}");
            Assert.That(placements.Select(p => p.Incarnation), Is.Unique, $"a member has {task} once");
            Assert.That(placements.Where(p => p.Role != ReplicaRole.Releasing).All(p => able.Contains(MemberOf(p))), Is.True, $"who has {task} has its stage");
            Assert.That(placements.Where(p => p.Role == ReplicaRole.Active).All(p => p.Worker < MemberOf(p).Workers), Is.True);
            if (owners.Length == 0)
                continue;
            Placement? running = before.Cast<Placement?>().FirstOrDefault(p => p!.Value.Role == ReplicaRole.Active);
            if (running is { } r)
            {
                Assert.That(owners[0].Incarnation, Is.EqualTo(r.Incarnation), $"{task} runs, and changes hands only when it has been released");
                Assert.That(owners[0].Worker, Is.EqualTo(r.Worker));
            }

            if (before.Exists(p => p.Role == ReplicaRole.Releasing))
                Assert.That(owners[0].Role, Is.EqualTo(ReplicaRole.Releasing), $"{task} is not released yet");
            long furthest = able.Select(m => m.Copies.GetValueOrDefault(task, -1)).DefaultIfEmpty(-1).Max();
            if (!before.Exists(p => p.Role is ReplicaRole.Active or ReplicaRole.Releasing) && furthest >= 0)
                Assert.That(MemberOf(owners[0]).Copies.GetValueOrDefault(task, -1), Is.GreaterThanOrEqualTo(furthest - Lag), $"{task} goes where its state is");
            if (owners[0].Role == ReplicaRole.Releasing && running is not null && able.Contains(MemberOf(owners[0])))
            {
                Placement next = placements.Single(p => p.Role == ReplicaRole.Warming);
                Assert.That(MemberOf(next).Ready, Does.Contain(task), $"{task} is given up for one that is ready");
                Assert.That(before.Exists(p => p.Incarnation == next.Incarnation && p.Role is ReplicaRole.Standby or ReplicaRole.Warming), Is.True, $"and that follows it");
            }

            int others = able.Count(m => m.Incarnation != owners[0].Incarnation) - placements.Count(p => p.Role == ReplicaRole.Warming);
            Assert.That(placements.Count(p => p.Role == ReplicaRole.Standby), Is.GreaterThanOrEqualTo(Math.Min(input.StandbyReplicas, others)), $"standbys of {task}");
        }

        int warming = plan.Placements.Count(p => p.Role == ReplicaRole.Warming);
        Assert.That(warming, Is.LessThanOrEqualTo(Math.Max(input.WarmingMax, input.Current.Count(p => p.Role == ReplicaRole.Warming))), "so many on the move");
    }

    // Nobody could be relieved by somebody who has two tasks less.
    private static void CheckBalance(Fleet fleet)
    {
        Dictionary<string, int> load = fleet.Members.ToDictionary(m => m.Incarnation, m => fleet.Current.Count(p => p.Incarnation == m.Incarnation && p.Role == ReplicaRole.Active));
        foreach (Placement active in fleet.Current.Where(p => p.Role == ReplicaRole.Active))
        {
            foreach (FleetMember other in fleet.Members.Where(m => m.Stages.Contains(active.Task.Stage)))
                Assert.That(load[active.Incarnation] - load[other.Incarnation], Is.LessThan(2), $"{active} and {other.Instance} of {string.Join(' ', fleet.Members.Select(m => $"{m.Instance}({string.Join(',', m.Stages)})={load[m.Incarnation]}"))}, {fleet.WarmingMax} at once: {string.Join(", ", fleet.Current)}");
        }
    }

    private static void CheckReplicas(Fleet fleet)
    {
        foreach (var copies in fleet.Current.GroupBy(p => p.Task))
        {
            string RackOf(Placement p)
            {
                FleetMember m = fleet.Members.Single(x => x.Incarnation == p.Incarnation);
                return m.Rack.Length > 0 ? m.Rack : $"/{m.Incarnation}";
            }

            List<FleetMember> able = [.. fleet.Members.Where(m => m.Stages.Contains(copies.Key.Stage))];
            int standbys = copies.Count(p => p.Role == ReplicaRole.Standby);
            Assert.That(standbys, Is.EqualTo(Math.Min(fleet.StandbyReplicas, able.Count - 1)), $"standbys of {copies.Key}");
            int racks = able.Select(m => m.Rack.Length > 0 ? m.Rack : $"/{m.Incarnation}").Distinct().Count();
            Assert.That(copies.Select(RackOf).Distinct().Count(), Is.EqualTo(Math.Min(racks, standbys + 1)), $"racks of {copies.Key}");
        }
    }

    private static void ForFleets(Action<Fleet, Random> property) => Prop.ForAll(
        Gen.Choose(0, int.MaxValue - 1).ToArbitrary(),
        seed => property(new Fleet(seed), new Random(seed))).Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    [Test]
    public void A_new_fleet_shares_the_work_evenly_at_once() => ForFleets((fleet, _) =>
    {
        fleet.Step();
        // Where not all can run everything, the first go need not be the best.
        if (fleet.Members.Exists(m => m.Stages.Count < fleet.Stages.Length))
            return;
        CheckBalance(fleet);
        CheckReplicas(fleet);
    });

    [Test]
    public void Plans_come_to_rest_and_the_fleet_is_even_then() => ForFleets((fleet, random) =>
    {
        // Copies of any age, anywhere.
        foreach (FleetMember member in fleet.Members)
        {
            foreach (TaskId task in fleet.Tasks.Where(_ => random.Next(2) == 0))
                fleet.SetCopy(member, task, random.Next(2_000));
        }

        fleet.Settle();
        CheckBalance(fleet);
        CheckReplicas(fleet);
    });

    [Test]
    public void Who_joins_gets_its_part_and_who_leaves_is_replaced() => ForFleets((fleet, random) =>
    {
        fleet.Settle();
        for (int i = 0; i < 4; i++)
        {
            if (fleet.Members.Count > 1 && random.Next(2) == 0)
                fleet.Leave(fleet.Members[random.Next(fleet.Members.Count)]);
            else
                fleet.Join($"n{i}", $"rack-{random.Next(3)}", hasAllStages: true);
            if (random.Next(2) == 0)
                fleet.Settle();
            else
                fleet.Step();
        }

        fleet.Settle();
        CheckBalance(fleet);
        CheckReplicas(fleet);
    });

    [Test]
    public void When_one_leaves_only_its_tasks_move_at_once() => ForFleets((fleet, random) =>
    {
        fleet.Settle();
        if (fleet.Members.Count < 2)
            return;
        FleetMember leaving = fleet.Members[random.Next(fleet.Members.Count)];
        List<Placement> active = [.. fleet.Current.Where(p => p.Role == ReplicaRole.Active && p.Incarnation != leaving.Incarnation)];
        fleet.Leave(leaving);
        List<Placement> after = [.. fleet.Step().Placements];
        Assert.That(active.Count(p => !after.Contains(p)), Is.LessThanOrEqualTo(fleet.WarmingMax), "others move for balance alone, and few at once");
    });

    [Test]
    public void The_same_state_of_things_in_any_order_gives_the_same_plan() => ForFleets((fleet, random) =>
    {
        fleet.Step();
        fleet.Follow();
        fleet.Join("new", "rack-1", hasAllStages: true);
        AssignorInput input = fleet.Input();
        AssignorInput shuffled = input with
        {
            Tasks = [.. input.Tasks.OrderBy(_ => random.Next())],
            Members = [.. input.Members.OrderBy(_ => random.Next()).Select(m => m with { Copies = m.Copies.OrderBy(_ => random.Next()).ToDictionary(c => c.Key, c => c.Value) })],
            Current = [.. input.Current.OrderBy(_ => random.Next())],
        };
        Assert.That(Assignor.Assign(shuffled).Placements, Is.EqualTo(Assignor.Assign(input).Placements));
        Assert.That(Assignor.Assign(shuffled).Reasons, Is.EqualTo(Assignor.Assign(input).Reasons));
    });

    [Test]
    public void A_fleet_that_starts_anew_finds_the_furthest_copies_and_is_even([Values(6, 7)] int tasks, [Values] bool oneHasAllOfThem)
    {
        TaskId[] ids = [.. Enumerable.Range(0, tasks).Select(p => new TaskId("walk-in", p))];
        FleetMember[] members = [.. Enumerable.Range(0, 3).Select(m => new FleetMember(
            $"x{m}",
            $"i{m}",
            "",
            new HashSet<string> { "walk-in" },
            1,
            ids.ToDictionary(t => t, t => (oneHasAllOfThem ? 2 : 2 - (t.Partition % 3)) == m ? 5_000L : 5_000 - Lag + m),
            new HashSet<TaskId>()))];
        AssignorResult plan = Assignor.Assign(new AssignorInput(ids, members, [], 1, 1, Lag));
        Placement[] owners = [.. plan.Placements.Where(p => p.Role == ReplicaRole.Active)];
        int furthest = owners.Count(p => members.Single(m => m.Incarnation == p.Incarnation).Copies[p.Task] == 5_000);
        Assert.That(furthest, Is.EqualTo(oneHasAllOfThem ? (tasks + 2) / 3 : tasks), string.Join(", ", owners));
        Assert.That(owners.GroupBy(p => p.Incarnation).Select(g => g.Count()), Is.All.InRange(tasks / 3, (tasks + 2) / 3));
    }

    [Test]
    public void A_task_goes_where_its_replica_is_ready_and_not_where_an_old_copy_lies()
    {
        TaskId task = new("walk-in", 0);
        FleetMember old = new("x0", "a", "", new HashSet<string> { "walk-in" }, 1, new Dictionary<TaskId, long> { [task] = 10 }, new HashSet<TaskId>());
        FleetMember ready = new("x1", "b", "", new HashSet<string> { "walk-in" }, 1, new Dictionary<TaskId, long> { [task] = 5_000 }, new HashSet<TaskId>());
        AssignorResult plan = Assignor.Assign(new AssignorInput([task], [old, ready], [], 1, 1, Lag));
        Assert.That(plan.Placements[0], Is.EqualTo(new Placement(task, "x1", ReplicaRole.Active, 0)));
        Assert.That(plan.Reasons, Does.Contain("walk-in-0 goes to b: its copy there is caught up"));
    }
}
