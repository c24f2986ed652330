using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Assignment;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.State;
using Presence.Core.State.Simulated;
using Presence.Host.Health;
using Presence.Tests.Simulation;
using Encoding = System.Text.Encoding;

namespace Presence.Tests.Runtime;

/// <summary>An instance and what the control log says of it, in virtual time and without faults.</summary>
internal sealed class InstanceTests
{
    private const string Application = "presence";

    private static readonly TopicPartition Control = new(ControlTopics.ControlOf(Application), 0);
    private static readonly TopicPartition Fleet = new(ControlTopics.FleetOf(Application), 0);

    [Test]
    public void An_incarnation_that_slept_through_its_end_ends_even_if_it_becomes_the_planner()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        using ITransactionalProducer planner = log.CreateProducer($"{Application}-planner");
        world.RunUntil(() => planner.Init(TimeSpan.Zero).IsOk);
        Write(world, planner, (PlannerBeat.Key(), new PlannerBeat("another", "i0", 0, false).Value()));

        int incarnations = 0;
        InstanceOptions options = new() { ApplicationId = Application, InstanceId = "i1", DeadLetterTopic = SimulatedTown.Names.DeadLetter, CreateIncarnationId = () => $"{++incarnations}" };
        SimulatedProcess process = Start(log, new SimulatedDisk(world), options);
        world.RunUntil(() => log.Cluster.Find(Fleet)!.End > 0);

        // While it stands still it is taken in, taken for dead and fenced; then nobody plans any more.
        process.Pause(options.HeartbeatTimeout * 5);
        Incarnation taken = new("1", "i1", 1, IncarnationState.Live, 0);
        Write(world, planner, (taken.Key(), taken.Value()), (PlanHeader.Key(), new PlanHeader(1, 0, "i0", ["1"], [], []).Value()));
        Write(world, planner, (taken.Key(), (taken with { State = IncarnationState.Condemned }).Value()));
        Write(world, planner, (taken.Key(), null), (PlanHeader.Key(), new PlanHeader(2, 0, "i0", ["1"], [], []).Value()));

        world.RunUntil(() => process.Instance.Status().Fleet is { IsPlanner: true, Members.Count: > 0 });
        Assert.That(process.Instance.Status().Fleet!.Members.Single().Incarnation, Is.EqualTo("2"));
        world.RunUntil(() => process.Instance.Reason is null);
    }

    [Test]
    public void It_is_not_ready_before_all_its_tasks_run()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedDisk disk = new(world);
        int incarnations = 0;
        InstanceOptions options = new() { ApplicationId = Application, InstanceId = "i", DeadLetterTopic = SimulatedTown.Names.DeadLetter, CreateIncarnationId = () => $"{++incarnations}" };
        foreach (string start in (string[])["the first start", "after a crash"])
        {
            SimulatedProcess process = Start(log, disk, options);

            world.RunUntil(() => HealthEndpoints.Ready(process.Instance.Status()) is null);

            Assert.That(process.Instance.Status().Tasks, Has.Count.EqualTo(SimulatedTown.Stages.Count), start);
            process.Kill();
        }
    }

    [TestCase(1)]
    [TestCase(int.MaxValue)]
    public void A_disk_that_does_not_answer_when_it_starts_ends_it(int stores)
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedDisk disk = new(world);
        int incarnations = 0;
        InstanceOptions options = new() { ApplicationId = Application, InstanceId = "i", DeadLetterTopic = SimulatedTown.Names.DeadLetter, CreateIncarnationId = () => $"{++incarnations}" };
        SimulatedProcess process = Start(log, disk, options);
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        process.Kill();
        foreach (SimulatedStoreFile file in disk.Files.Values.Take(stores))
            file.Hangs = true;

        process = Start(log, disk, options);

        world.RunUntil(() => process.State == InstanceState.Failed);
        Assert.That(process.Reason, Does.Contain("the store of").And.Contain("Opening"));
        Assert.That(Running(process), Is.Zero);
    }

    [Test]
    public void One_of_a_fleet_that_comes_up_is_not_ready_before_it_has_its_part()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        int incarnations = 0;
        InstanceOptions Options(string id) => new() { ApplicationId = Application, InstanceId = id, DeadLetterTopic = SimulatedTown.Names.DeadLetter, CreateIncarnationId = () => $"{++incarnations}" };
        SimulatedDisk[] disks = [new(world), new(world)];
        SimulatedProcess[] fleet = [.. disks.Select((disk, i) => Start(log, disk, Options($"i{i}")))];
        world.RunUntil(() => fleet.All(p => p.Instance.Status().Tasks is { Count: > 0 } tasks && tasks.All(t => t.State == TaskState.Running)));
        foreach (SimulatedProcess process in fleet)
            process.RequestStop();
        world.RunUntil(() => fleet.All(p => p.State == InstanceState.Stopped));

        SimulatedProcess first = Start(log, disks[0], Options("i0"));
        world.RunUntil(() => HealthEndpoints.Ready(first.Instance.Status()) is null);

        Assert.That(first.Instance.Status().Tasks, Is.Not.Empty);
    }

    [Test]
    public void An_input_whose_queue_was_full_holds_the_others_up_until_it_is_read_to_its_end_again()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        InstanceOptions options = new() { ApplicationId = Application, InstanceId = "i", DeadLetterTopic = SimulatedTown.Names.DeadLetter, Bounds = new WorkerBounds { QueueRecordsMax = 4, QueueRecordsResume = 2 } };
        SimulatedProcess process = Start(log, new SimulatedDisk(world), options);
        process.HoldReads(SimulatedTown.Names.Probes, TimeSpan.FromSeconds(30));
        world.RunUntil(() => process.Instance.Status().Tasks.Count(t => t.State == TaskState.Running) == SimulatedTown.Stages.Count);
        long epoch = SimulatedClock.Epoch.ToUnixTimeMilliseconds();

        // A login makes a device present, unless a probe of an hour later was taken first.
        log.Cluster.Append(SimulatedTown.Names.Probes, "p"u8.ToArray(), Encoding.UTF8.GetBytes($$"""{"device":"p","business":"b","venue":"v","ap":"a","rssi":-50,"at":{{epoch}}}"""), epoch);
        for (int i = 0; i < 6; i++)
            Login(log, i);
        long moment = world.Now;
        world.RunUntil(() => world.Now > moment + 10_000_000);
        for (int i = 6; i < 12; i++)
            Login(log, i);

        world.RunUntil(() => world.Now > moment + 50_000_000);
        Assert.That(WalkIns(log), Is.EqualTo(12));
    }

    [Test]
    public void Stores_are_written_one_after_the_other_once_in_the_interval()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        TimeSpan interval = TimeSpan.FromSeconds(5);
        InstanceOptions options = new()
        {
            ApplicationId = Application,
            InstanceId = "i",
            DeadLetterTopic = SimulatedTown.Names.DeadLetter,
            // Every task commits at the same moments.
            RecommitInterval = TimeSpan.FromSeconds(1),
            StoreBounds = new StoreBounds { WriteInterval = interval },
        };
        SimulatedDisk disk = new(world);
        SimulatedProcess process = Start(log, disk, options);
        int tasks = SimulatedTown.Stages.Count;
        world.RunUntil(() => process.Instance.Status().Tasks.Count(t => t.State == TaskState.Running) == tasks);

        Dictionary<string, byte[]> before = Written(disk);
        List<(string Task, long At)> writes = [];
        long end = world.Now + (long)(interval * 3).TotalMicroseconds;
        world.RunUntil(() =>
        {
            Dictionary<string, byte[]> now = Written(disk);
            writes.AddRange(now.Where(w => !before.TryGetValue(w.Key, out byte[]? was) || !was.AsSpan().SequenceEqual(w.Value)).Select(w => (w.Key, world.Now)));
            before = now;
            return world.Now >= end;
        });

        Assert.That(writes.Select(w => w.Task).Distinct().Count(), Is.EqualTo(tasks), "every store is written");
        Assert.That(writes.Zip(writes.Skip(1), (a, b) => b.At - a.At).Min(), Is.GreaterThan(interval.TotalMicroseconds / tasks / 2), "never two at a time");
        foreach (IGrouping<string, (string Task, long At)> store in writes.GroupBy(w => w.Task))
            Assert.That(store.Zip(store.Skip(1), (a, b) => b.At - a.At).Max(), Is.LessThan(interval.TotalMicroseconds * 1.1), store.Key);
    }

    [Test]
    public void A_store_found_to_be_damaged_while_its_task_runs_is_rebuilt_and_the_task_goes_on()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedDisk disk = new(world);
        SimulatedProcess process = Start(log, disk, Options("i"));
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        Login(log, 0);
        world.RunUntil(() => WalkIns(log) == 1);
        SimulatedStoreFile damaged = disk.Files["walk-in-0"];
        damaged.IsDamaged = true;

        Login(log, 1);
        world.RunUntil(() => WalkIns(log) == 2);

        Assert.That(disk.Files["walk-in-0"], Is.Not.SameAs(damaged));
        // It has what the damaged one had: the same login once more is the same visit.
        Login(log, 0);
        Login(log, 2);
        world.RunUntil(() => WalkIns(log) > 2);
        Assert.That(WalkIns(log), Is.EqualTo(3));
    }

    [Test]
    public void A_copy_that_cannot_be_opened_keeps_nothing_else_from_running()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedDisk disk = new(world);
        SimulatedProcess process = Start(log, disk, Options("i"));
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        process.Kill();
        disk.Files["walk-in-0"].IsUnreadable = true;

        process = Start(log, disk, Options("i"));
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count - 1);
        Core.Runtime.TaskStatus waiting = process.Instance.Status().Tasks.Single(t => t.Task == new TaskId("walk-in", 0));
        Assert.That(waiting.Reason, Does.Contain("cannot be used"));

        disk.Files["walk-in-0"].IsUnreadable = false;
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
    }

    [Test]
    public void Who_may_not_read_the_control_log_does_not_take_the_planners_role()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedProcess[] fleet = [Start(log, new SimulatedDisk(world), Options("i1")), Start(log, new SimulatedDisk(world), Options("i2"))];
        world.RunUntil(() => fleet.All(f => Running(f) == SimulatedTown.Stages.Count) && fleet.Count(f => f.Instance.Status().Fleet is { IsPlanner: true }) == 1);
        SimulatedProcess planner = fleet.Single(f => f.Instance.Status().Fleet is { IsPlanner: true }), other = fleet.Single(f => f != planner);
        log.Cluster.Denied.Add(Control.Topic);
        world.RunUntil(() => other.Reason?.Contains("access to the control log", StringComparison.Ordinal) == true);
        long denied = world.Now;
        world.RunUntil(() => world.Now > denied + 30_000_000);
        log.Cluster.Denied.Clear();
        bool changed = false;
        world.RunUntil(() => (changed |= planner.Instance.Status().Fleet is not { IsPlanner: true }) || world.Now > denied + 45_000_000);
        Assert.That(changed, Is.False);
        Assert.That(fleet.Select(f => (f.Reason, Running(f))), Is.All.EqualTo(((string?)null, SimulatedTown.Stages.Count)));
    }

    // A culprit is searched for with one task in a transaction.
    [Test]
    public void A_task_that_stops_amid_a_search_commits_what_it_has_sent_with_its_positions([Range(1, 3)] int seed)
    {
        SimulatedWorld world = new(seed);
        SimulatedLog log = LogWithTopics(world);
        SimulatedDisk disk = new(world);
        InstanceOptions options = Options("i", (ServiceNames.WalkIn, BadInputPolicy.Stop));
        SimulatedProcess process = Start(log, disk, options);
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        int produced = 0;
        log.Cluster.Refuses = (_, partition) =>
        {
            if (partition.Topic != SimulatedTown.Names.DeadLetter)
                return false;
            // The third one is that of the search. What comes now is met by the tasks whose turn is later.
            if (++produced == WorkerBounds.AbortsBeforeSearch + 1)
            {
                Login(log, 0);
                Login(log, 1);
                Garbage(log, SimulatedTown.Names.DeviceLogins);
                Garbage(log, SimulatedTown.Names.EnrichedWalkIns);
            }

            return produced <= WorkerBounds.AbortsBeforeSearch;
        };
        Garbage(log, SimulatedTown.Names.DeviceToContact);
        world.RunUntil(() => WalkIns(log) > 0);
        Assert.That(WalkIns(log), Is.EqualTo(2));
        process.Kill();

        process = Start(log, disk, options);
        world.RunUntil(() => process.Instance.Status().Tasks.Any(t => t.State == TaskState.Stopped));
        long stopped = world.Now;
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count - 1 && world.Now > stopped + 5_000_000);
        Assert.That(WalkIns(log), Is.EqualTo(2));
    }

    [TestCase(BadInputPolicy.DeadLetter, TaskState.Stopped)]
    [TestCase(BadInputPolicy.Skip, TaskState.Running)]
    public void A_record_whose_dead_letter_the_log_refuses_stops_its_task_and_no_other(BadInputPolicy policy, TaskState expected)
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        log.Cluster.Refuses = (_, partition) => partition.Topic == SimulatedTown.Names.DeadLetter;
        SimulatedProcess process = Start(log, new SimulatedDisk(world), Options("i", (ServiceNames.EnrichedWalkIn, policy)));
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        Garbage(log, SimulatedTown.Names.DeviceToContact);
        world.RunUntil(() => policy == BadInputPolicy.Skip || Running(process) == SimulatedTown.Stages.Count - 1);

        Login(log, 1);
        world.RunUntil(() => WalkIns(log) == 1);
        Core.Runtime.TaskStatus status = process.Instance.Status().Tasks.Single(t => t.Task == new TaskId("enriched-walk-in", 0));
        Assert.That(status.State, Is.EqualTo(expected));
        if (expected == TaskState.Stopped)
            Assert.That(status.Reason, Does.Contain(SimulatedTown.Names.DeviceToContact).And.Contain("offset 0").And.Contain(SimulatedTown.Names.DeadLetter).And.Contain("max.message.bytes"));
    }

    [Test]
    public void An_instance_that_ends_says_how_far_its_tasks_were()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedProcess process = Start(log, new SimulatedDisk(world), Options("i"));
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        process.RequestStop();
        world.RunUntil(() => process.State == InstanceState.Stopped);

        List<Announcement> said = [.. log.Cluster.Find(Fleet)!.Records.Where(r => r.Value is not null).Select(r => Announcement.Read(r.Key, r.Value)).OfType<Announcement>()];
        Assert.That(said[^1].State, Is.EqualTo(MemberState.Ended));
        Assert.That(said[^1].Copies.Select(c => c.ChangelogOffset), Is.All.GreaterThan(0).And.Exactly(SimulatedTown.Stages.Count).Items);
    }

    [Test]
    public void An_instance_whose_stores_take_long_to_close_hands_its_tasks_over()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedDisk disk = new(world);
        SimulatedProcess process = Start(log, disk, Options("i"));
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        foreach (SimulatedStoreFile file in disk.Files.Values)
            file.CloseTakes = TimeSpan.FromSeconds(30.0 / SimulatedTown.Stages.Count);
        process.RequestStop();
        int open = SimulatedTown.Stages.Count;
        world.RunUntil(() =>
        {
            int left = disk.Files.Values.Count(f => f.IsOpen);
            Assert.That(open - left, Is.LessThanOrEqualTo(1), "one in each step: the loop comes back in between");
            open = left;
            return process.State == InstanceState.Stopped;
        });

        Announcement last = log.Cluster.Find(Fleet)!.Records.Where(r => r.Value is not null).Select(r => Announcement.Read(r.Key, r.Value)).OfType<Announcement>().Last();
        Assert.That((last.State, last.Copies.Count), Is.EqualTo((MemberState.Ended, SimulatedTown.Stages.Count)));
    }

    [Test]
    public void An_incarnation_that_ends_while_a_loop_hangs_ends_the_process_and_leaves_open_what_is_used()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedDisk disk = new(world);
        int incarnations = 0;
        SimulatedProcess process = Start(log, disk, new() { ApplicationId = Application, InstanceId = "i", DeadLetterTopic = SimulatedTown.Names.DeadLetter, CreateIncarnationId = () => $"{++incarnations}" });
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        List<TimeSpan> limits = [];
        process.Instance.EndLoops = (_, limit) =>
        {
            limits.Add(limit);
            return false;
        };
        Fence(world, log, process.Instance.Workers[0].TransactionalId);

        world.RunUntil(() => process.State == InstanceState.Failed);

        process.Instance.Dispose();
        Assert.That((incarnations, limits.Count, disk.Files.Values.Count(f => f.IsOpen)), Is.EqualTo((1, 1, SimulatedTown.Stages.Count)));
        Assert.That(limits[0], Is.LessThanOrEqualTo(new InstanceOptions { ApplicationId = "a", InstanceId = "i", DeadLetterTopic = "d" }.StuckLimit));
        Assert.That(process.Reason, Does.Contain("has not come back"));
    }

    [Test]
    public void What_is_stuck_waits_for_no_loop_when_another_of_its_workers_is_fenced()
    {
        int both = 0, ends = 0;
        for (int seed = 1; seed <= 30; seed++)
        {
            SimulatedWorld world = new(seed);
            SimulatedLog log = LogWithTopics(world);
            SimulatedProcess process = Start(log, new SimulatedDisk(world), new() { ApplicationId = Application, InstanceId = "i", DeadLetterTopic = SimulatedTown.Names.DeadLetter, Workers = 2 });
            world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
            process.Instance.EndLoops = (_, _) => ++ends < 0;
            process.Stick(TimeSpan.FromSeconds(120));
            bool HangsFor(string time) => process.Reason is { } reason && reason.Contains($"has not come back for {time}", StringComparison.Ordinal);
            world.RunUntil(() => HangsFor("1"));
            Worker other = process.Instance.Workers.Single(w => !process.Reason!.Contains($"worker {w.Index}", StringComparison.Ordinal));
            Fence(world, log, other.TransactionalId);

            // It finds that out with the next thing to do, which comes when the instance is found to be stuck.
            world.RunUntil(() => HangsFor("20 s"));
            for (int i = 0; process.State != InstanceState.Failed && i < 10_000; i++)
            {
                Login(log, i);
                world.Run(TimeSpan.FromMilliseconds(1));
            }

            both += process.State == InstanceState.Failed && other.State == WorkerState.Failed ? 1 : 0;
        }

        Assert.That(both, Is.Positive, "the other one had failed before the process did");
        Assert.That(ends, Is.Zero);
    }

    [Test]
    public void A_worker_that_stood_still_for_more_than_an_hour_begins_anew_before_it_sends_anything()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        int incarnations = 0;
        InstanceOptions options = new() { ApplicationId = Application, InstanceId = "i", DeadLetterTopic = SimulatedTown.Names.DeadLetter, CreateIncarnationId = () => $"{++incarnations}" };
        SimulatedProcess process = Start(log, new SimulatedDisk(world), options);
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        Worker worker = process.Instance.Workers[0];
        process.Pause(TimeSpan.FromMinutes(61));
        Login(log, 0);
        for (int i = 0; i < 61 * 2; i++)
            world.Run(TimeSpan.FromSeconds(30));

        world.RunUntil(() => worker.State == WorkerState.Failed);
        Assert.That(worker.Failure, Does.Contain("stood still for 01:0"));
        Assert.That(WalkIns(log), Is.Zero);
        world.RunUntil(() => WalkIns(log) == 1);
        Assert.That(incarnations, Is.EqualTo(2));
    }

    [TestCase("before begin")]
    [TestCase("before produce")]
    [TestCase("before send offsets")]
    public void A_worker_that_stands_still_amid_a_transaction_for_more_than_an_hour_does_not_commit_it(string call)
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = LogWithTopics(world);
        SimulatedProcess process = Start(log, new SimulatedDisk(world), Options("i"));
        world.RunUntil(() => Running(process) == SimulatedTown.Stages.Count);
        world.Run(TimeSpan.FromSeconds(5));
        Worker worker = process.Instance.Workers[0];
        process.SuspendAt(call, TimeSpan.FromMinutes(61));
        for (int i = 0; worker.State != WorkerState.Failed && i < 20_000; i++)
        {
            Login(log, i);
            world.Run(TimeSpan.FromMilliseconds(1));
        }

        Assert.That(process.CallsSinceSuspended, Has.None.EqualTo("before send offsets").And.None.EqualTo("before commit"));
        Assert.That(worker.Failure, Does.Contain("stood still for 01:0"));
    }

    private static void Fence(SimulatedWorld world, SimulatedLog log, string transactionalId)
    {
        using ITransactionalProducer fences = log.CreateProducer(transactionalId);
        world.RunUntil(() => fences.Init(TimeSpan.Zero).IsOk);
    }

    private static InstanceOptions Options(string id, params (string Service, BadInputPolicy Policy)[] policies) => new()
    {
        ApplicationId = Application,
        InstanceId = id,
        DeadLetterTopic = SimulatedTown.Names.DeadLetter,
        BadInput = policies.ToDictionary(p => p.Service, p => p.Policy),
    };

    private static int Running(SimulatedProcess process) => process.Instance.Status().Tasks.Count(t => t.State == TaskState.Running);

    private static int WalkIns(SimulatedLog log)
    {
        SimulatedPartition partition = log.Cluster.Find(new TopicPartition(SimulatedTown.Names.WalkIns, 0))!;
        return partition.Records.Count(r => r.IsVisible && r.Offset < partition.StableEnd);
    }

    // An hour before now.
    private static void Login(SimulatedLog log, int number)
    {
        long epoch = SimulatedClock.Epoch.ToUnixTimeMilliseconds();
        log.Cluster.Append(SimulatedTown.Names.DeviceLogins, Encoding.UTF8.GetBytes($"d{number}"), Encoding.UTF8.GetBytes($$"""{"device":"d{{number}}","business":"b","venue":"v","contact":"c","email":"c@d.e","at":{{epoch - 3_600_000 + number}}}"""), epoch);
    }

    private static void Garbage(SimulatedLog log, string topic) =>
        log.Cluster.Append(topic, Encoding.UTF8.GetBytes("d0"), "garbage"u8.ToArray(), SimulatedClock.Epoch.ToUnixTimeMilliseconds());

    private static SimulatedLog LogWithTopics(SimulatedWorld world)
    {
        SimulatedLog log = new(new SimulatedCluster(world));
        foreach (TopicSpecification topic in TopicCatalog.Public(SimulatedTown.Names, 1, null).Concat(ControlTopics.Specifications(Application, null)))
            log.Cluster.CreateTopic(topic);
        return log;
    }

    private static SimulatedProcess Start(SimulatedLog log, SimulatedDisk disk, InstanceOptions options) =>
        new(log.Cluster, disk, options, SimulatedTown.Stages, TimeSpan.Zero, NullLogger.Instance, (_, call) => Assert.Fail(call));

    // The record of how far each store is.
    private static Dictionary<string, byte[]> Written(SimulatedDisk disk) =>
        disk.Files.Where(f => f.Value.Entries.ContainsKey(StoreKeys.Local.ToArray())).ToDictionary(f => f.Key, f => f.Value.Entries[StoreKeys.Local.ToArray()]);

    private static void Write(SimulatedWorld world, ITransactionalProducer producer, params (byte[] Key, byte[]? Value)[] records)
    {
        Assert.That(producer.Begin().IsOk, Is.True);
        foreach ((byte[] key, byte[]? value) in records)
            Assert.That(producer.Produce(Control, key, hasKey: true, value, hasValue: value is not null, 0).IsOk, Is.True);
        world.RunUntil(() => producer.Commit(TimeSpan.Zero).IsOk);
    }
}
