using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;
using Presence.Core.State;
using Presence.Core.State.Simulated;
using Presence.Tests.Simulation;
using Presence.Tests.Telemetry;

namespace Presence.Tests.Runtime;

/// <summary>Copies that follow a changelog, in virtual time and without faults.</summary>
internal sealed class RestorerTests
{
    private static readonly TopicPartition Changelog = new("changelog", 0);
    private static readonly TaskId Task = new(SimulatedTown.Stages[0].Name, 0);

    [Test]
    public void A_copy_that_has_all_that_could_be_read_is_current_while_a_transaction_is_open()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 1);
        using ITransactionalProducer first = log.CreateProducer("first"), second = log.CreateProducer("second");
        world.RunUntil(() => first.Init(TimeSpan.Zero).IsOk);
        world.RunUntil(() => second.Init(TimeSpan.Zero).IsOk);
        using Restorer restorer = Follow(world, log);
        Write(world, log, first);
        world.RunUntil(() => first.Commit(TimeSpan.Zero).IsOk);
        world.RunUntil(() => State(restorer) == TaskState.Running);

        // Another one is committed, and behind it one is open, before the copy looks again.
        Write(world, log, first);
        world.RunUntil(() => first.Commit(TimeSpan.Zero).IsOk);
        world.RunUntil(() => Partition(log).StableEnd == Partition(log).End);
        Write(world, log, second);
        long readable = Partition(log).StableEnd;
        Assert.That(Partition(log).End, Is.GreaterThan(readable));
        world.RunUntil(() => State(restorer) is { } && restorer.Status[0].ChangelogOffset >= readable - 1);
        Assert.That(State(restorer), Is.EqualTo(TaskState.Running), "nothing more could be read");

        // What was open then is asked for once the end has been reached again.
        world.RunUntil(() => second.Commit(TimeSpan.Zero).IsOk);
        world.RunUntil(() => State(restorer) == TaskState.Running && restorer.Status[0].ChangelogOffset > readable);
    }

    [Test]
    public void A_changelog_to_which_access_is_denied_for_a_while_is_read_on_afterwards()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 1);
        using ITransactionalProducer producer = log.CreateProducer("first");
        world.RunUntil(() => producer.Init(TimeSpan.Zero).IsOk);
        using Restorer restorer = Follow(world, log);
        world.RunUntil(() => State(restorer) == TaskState.Running);
        log.Cluster.Denied.Add(Changelog.Topic);
        Write(world, log, producer);
        world.RunUntil(() => producer.Commit(TimeSpan.Zero).IsOk);
        TaskState? state = null;
        world.RunUntil(() => (state = State(restorer)) is { } && restorer.Status[0].Reason is not null);
        Assert.That(state, Is.Not.EqualTo(TaskState.Stopped));
        Assert.That(restorer.Status[0].Reason, Does.Contain("cannot be read now"));

        log.Cluster.Denied.Clear();
        world.RunUntil(() => State(restorer) == TaskState.Running && restorer.Status[0] is { ChangelogOffset: >= 0, Reason: null });
    }

    [TestCase(1, 4_000_000, 1_000_000)]
    [TestCase(3, 4_000_000, 333_333)]
    [TestCase(1, 300_000, 500_000)]
    [TestCase(3, 300_000, 300_000)]
    public void Long_replays_share_the_memory_of_what_they_have_not_written(int replays, int fileBytesMin, int batch)
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, replays);
        using ITransactionalProducer producer = log.CreateProducer("first");
        world.RunUntil(() => producer.Init(TimeSpan.Zero).IsOk);
        Fill(world, producer, 30_000 * replays, replays);
        StoreBounds bounds = new() { RestoreBytesMax = 1_000_000, FileBytesMin = fileBytesMin };
        using WatchedStores stores = new(new SimulatedStores(new SimulatedDisk(world)));
        using Restorer restorer = Create(world, log, stores, bounds);
        for (int i = 0; i < replays; i++)
            restorer.Follow(Request(world, log, i, bounds));
        world.RunUntil(() =>
        {
            restorer.RunOnce(TimeSpan.Zero);
            return restorer.Status.Count == replays && restorer.Status.All(s => s.State == TaskState.Running);
        });
        // What a replay that is done holds is written a moment later, and its share is the others' by then.
        Assert.That(stores.HeldMax, Is.LessThan(1.5 * bounds.RestoreBytesMax));
        // The last one has the others' shares, too.
        Assert.That(stores.BatchMax, replays == 1 ? Is.InRange(batch, batch + 1_000) : Is.GreaterThanOrEqualTo(batch), "and use it; a half is on its way where that makes a file");
    }

    [TestCase(3, TaskState.Running)]
    [TestCase(4, TaskState.Stopped)]
    public void A_copy_is_rebuilt_three_times_in_a_row_before_it_waits_for_an_operator(int damages, TaskState expected)
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 1);
        using DamagedStores stores = new(new SimulatedStores(new SimulatedDisk(world)), damages);
        using Restorer restorer = Create(world, log, stores);
        restorer.Follow(Request(world, log, 0, new StoreBounds()));
        world.RunUntil(() =>
        {
            restorer.RunOnce(TimeSpan.Zero);
            return restorer.Status.Count == 1 && restorer.Status[0].State is TaskState.Running or TaskState.Stopped;
        });
        Assert.That(restorer.Status[0].State, Is.EqualTo(expected), restorer.Status[0].Reason);
    }

    [Test]
    public void A_store_that_is_not_opened_keeps_no_other_task_waiting_and_is_seen()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 2);
        using HangingStores stores = new(new SimulatedStores(new SimulatedDisk(world)), Task.ToString());
        using Restorer restorer = Create(world, log, stores);
        for (int i = 0; i < 2; i++)
            restorer.Follow(Request(world, log, i, new StoreBounds()));
        world.RunUntil(() => State(restorer, 1) == TaskState.Running);
        Assert.That(State(restorer), Is.EqualTo(TaskState.Restoring));
        world.RunUntil(() => State(restorer, 1) == TaskState.Running && restorer.DiskWait is not null);
        Assert.That((restorer.DiskWait!.Task, restorer.DiskWait.State), Is.EqualTo((Task, TakeoverState.Opening)));
        long now = world.Now;
        world.RunUntil(() => world.Now > now + 20_000_000);
        Assert.That(restorer.DiskWait.Waited, Is.LessThan(TimeSpan.FromSeconds(1)), "nobody has asked since");
        world.RunUntil(() => State(restorer, 1) == TaskState.Running && world.Now > now + 30_000_000);
        Assert.That(restorer.DiskWait.Waited, Is.GreaterThan(TimeSpan.FromSeconds(29)), "whoever watches must see for how long");
        stores.Hangs = false;
        world.RunUntil(() => State(restorer) == TaskState.Running);
        Assert.That(restorer.DiskWait, Is.Null);
    }

    [Test]
    public void A_copy_is_waited_for_while_it_is_opened_and_not_long_when_it_cannot_be()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 1);
        SimulatedDisk machine = new(world);
        using SimulatedStores disk = new(machine);
        using HangingStores stores = new(disk, Task.ToString()) { Waits = true };
        using (IStoreOpening made = disk.BeginOpen(Task.ToString()))
        {
        }

        using Restorer restorer = Create(world, log, stores);
        restorer.Look(Request(world, log, 0, new StoreBounds()));
        long now = world.Now;
        RunUntil(40);
        Assert.That(restorer.IsLooking, Is.True, "there may be hundreds before it");
        Assert.That(restorer.DiskWait, Is.Null, "and that is no fault of the disk");
        stores.Waits = false;
        RunUntil(55);
        Assert.That(restorer.IsLooking, Is.True);
        Assert.That(restorer.DiskWait, Is.Not.Null, "a disk that does not answer is for whoever watches");
        machine.Files.Values.Single().IsUnreadable = true;
        stores.Hangs = false;
        RunUntil(63);
        Assert.That(restorer.IsLooking, Is.True);
        RunUntil(68);
        Assert.That(restorer.IsLooking, Is.False);
        stores.Waits = true;
        RunUntil(75);
        Assert.That(restorer.IsLooking, Is.False, "its turn comes again and again");

        void RunUntil(int seconds) => world.RunUntil(() =>
        {
            restorer.RunOnce(TimeSpan.Zero);
            return world.Now > now + (seconds * 1_000_000L);
        });
    }

    [Test]
    public void A_last_write_that_does_not_end_keeps_no_other_task_waiting_and_is_seen()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 2);
        using ITransactionalProducer producer = log.CreateProducer("first");
        world.RunUntil(() => producer.Init(TimeSpan.Zero).IsOk);
        // A half of what it may hold is on its way when the rest has come.
        Fill(world, producer, 6_000, partitions: 1);
        StoreBounds bounds = new() { FileBytesMin = 1, RestoreBytesMin = 1_000_000, RestoreBytesMax = 1_000_000 };
        using WatchedStores stores = new(new SimulatedStores(new SimulatedDisk(world))) { WritesLeft = 0, WritesWait = true };
        using Restorer restorer = Create(world, log, stores, bounds);
        restorer.Run(Request(world, log, 0, bounds));
        restorer.Follow(Request(world, log, 1, bounds));
        world.RunUntil(() => State(restorer, 1) == TaskState.Running && stores.Files > 0);
        long now = world.Now;
        world.RunUntil(() => State(restorer, 1) == TaskState.Running && world.Now > now + 20_000_000);
        Assert.That(restorer.DiskWait, Is.Null, "there are others before it");
        stores.WritesWait = false;
        world.RunUntil(() => State(restorer, 1) == TaskState.Running && restorer.DiskWait is not null);
        Assert.That((restorer.DiskWait!.Task, restorer.DiskWait.State), Is.EqualTo((Task, TakeoverState.Completing)));
        world.RunUntil(() => State(restorer, 1) == TaskState.Running && world.Now > now + 50_000_000);
        Assert.That(restorer.DiskWait.Waited, Is.InRange(TimeSpan.FromSeconds(28), TimeSpan.FromSeconds(30)));
        stores.WritesLeft = 1;
        world.RunUntil(() => State(restorer, 1) == TaskState.Running && stores.WritesLeft == 0 && world.Now > now + 51_000_000);
        Assert.That(stores.Files, Is.EqualTo(2));
        Assert.That(restorer.DiskWait.Waited, Is.LessThan(TimeSpan.FromSeconds(2)), "that is another one");
        Assert.That(restorer.TryTakeReady(out _, out _), Is.False);
        stores.WritesLeft = 1;
        StreamTask? ready = null;
        world.RunUntil(() =>
        {
            State(restorer, 1);
            return restorer.TryTakeReady(out ready, out _);
        });
        Assert.That(ready!.Id, Is.EqualTo(Task));
        ready.Dispose();
    }

    [Test]
    public void A_task_that_is_dropped_while_its_store_is_opened_leaves_it_closed()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 1);
        SimulatedDisk disk = new(world);
        using HangingStores stores = new(new SimulatedStores(disk), Task.ToString());
        using Restorer restorer = Create(world, log, stores);
        restorer.Follow(Request(world, log, 0, new StoreBounds()));
        world.RunUntil(() => State(restorer) == TaskState.Restoring && disk.Files.Count == 1);
        Assert.That(disk.Files.Values.Single().IsOpen, Is.True);
        restorer.Drop(Task);
        restorer.RunOnce(TimeSpan.Zero);
        Assert.That(restorer.TryTakeDropped(out TaskId dropped, out long position), Is.True);
        Assert.That((dropped, position, stores.Closed, disk.Files.Values.Single().IsOpen), Is.EqualTo((Task, -1, 1, false)));
    }

    [Test]
    public void Copies_are_deleted_one_after_the_other_and_before_their_tasks_come_again()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 4);
        SimulatedDisk disk = new(world);
        for (int i = 0; i < 4; i++)
            disk.Open((Task with { Partition = i }).ToString()).Entries[[StoreKeys.StatePrefix]] = [];
        using Restorer restorer = Create(world, log, new SimulatedStores(disk));
        for (int i = 0; i < 4; i++)
            restorer.Delete(Task with { Partition = i });
        TakeoverRequest last = Request(world, log, 3, new StoreBounds());

        restorer.RunOnce(TimeSpan.Zero);
        Assert.That(disk.Files, Has.Count.EqualTo(3), "the others of this thread have their turns in between");
        restorer.Follow(last);
        restorer.RunOnce(TimeSpan.Zero);
        Assert.That(disk.Files.Keys, Is.EqualTo([(Task with { Partition = 2 }).ToString()]), "of the one to follow there is no old copy any more");
        world.RunUntil(() => State(restorer, 3) == TaskState.Running);
        Assert.That(disk.Files.Keys, Is.EqualTo([last.Task.ToString()]), "a new one");
    }

    [Test]
    public void A_copy_that_was_to_be_deleted_is_left_alone_once_its_task_runs()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = CreateLog(world, 40);
        SimulatedDisk disk = new(world);
        using Restorer restorer = Create(world, log, new SimulatedStores(disk));
        for (int i = 0; i < 40; i++)
            disk.Open((Task with { Partition = i }).ToString());
        TakeoverRequest last = Request(world, log, 39, new StoreBounds());
        // As one plan after the other says so.
        for (int plans = 0; plans < 3; plans++)
        {
            for (int i = 0; i < 40; i++)
                restorer.Delete(Task with { Partition = i });
        }

        restorer.RunOnce(TimeSpan.Zero);
        restorer.Run(last);
        StreamTask? task = null;
        int left = 0;
        while (!restorer.TryTakeReady(out task, out _))
        {
            left = disk.Files.Count - 1;
            restorer.RunOnce(TimeSpan.Zero);
            world.Run(TimeSpan.FromMilliseconds(10));
        }

        Assert.That(left, Is.Positive, "it runs before all are deleted");
        for (int i = 0; i < 200; i++)
            restorer.RunOnce(TimeSpan.Zero);
        Assert.That(disk.Files.Keys, Is.EqualTo([last.Task.ToString()]));
        task.Dispose();
    }

    private static SimulatedLog CreateLog(SimulatedWorld world, int partitions)
    {
        SimulatedLog log = new(new SimulatedCluster(world));
        foreach (string input in SimulatedTown.Stages[0].Inputs)
            log.Cluster.CreateTopic(new TopicSpecification(input, partitions, null, new Dictionary<string, string>()));
        log.Cluster.CreateTopic(new TopicSpecification(Changelog.Topic, partitions, null, new Dictionary<string, string> { ["cleanup.policy"] = "compact" }));
        return log;
    }

    private static Restorer Follow(SimulatedWorld world, SimulatedLog log)
    {
        Restorer restorer = Create(world, log, new SimulatedStores(new SimulatedDisk(world)));
        restorer.Follow(Request(world, log, 0, new StoreBounds()));
        return restorer;
    }

    private static Restorer Create(SimulatedWorld world, SimulatedLog log, IStateStoreProvider stores, StoreBounds? bounds = null)
    {
        TimeProvider time = new SimulatedClock(world, TimeSpan.Zero);
        RuntimeMetrics metrics = new(new UnheardMeters());
        InstanceOptions options = new() { ApplicationId = "presence", InstanceId = "i", DeadLetterTopic = "dead-letter", StoreBounds = bounds ?? new StoreBounds() };
        return new Restorer(log, options, stores, time, metrics, new Lifecycle(NullLogger.Instance, metrics, time, []), NullLogger.Instance);
    }

    private static TakeoverRequest Request(SimulatedWorld world, SimulatedLog log, int partition, StoreBounds bounds)
    {
        TaskTopics topics = new(Changelog with { Partition = partition }, [.. SimulatedTown.Stages[0].Outputs.Select(_ => 1)], "dead-letter", 1);
        Task<IReadOnlyDictionary<string, TopicDescription>> described = log.Admin.DescribeTopics([Changelog.Topic], CancellationToken.None);
        world.RunUntil(() => described.IsCompleted);
        return new TakeoverRequest(Task with { Partition = partition }, SimulatedTown.Stages[0], topics, described.Result[Changelog.Topic].Id, TimeSpan.FromDays(1), BadInputPolicy.DeadLetter, 0, bounds);
    }

    // After one more step.
    private static TaskState? State(Restorer restorer, int partition = 0)
    {
        restorer.RunOnce(TimeSpan.Zero);
        return restorer.Status.FirstOrDefault(s => s.Task.Partition == partition)?.State;
    }

    private static SimulatedPartition Partition(SimulatedLog log) => log.Cluster.Find(Changelog)!;

    // A committed transaction with so many records of the changelogs in turn. Different keys, so that none is compacted away.
    private static void Fill(SimulatedWorld world, ITransactionalProducer producer, int records, int partitions)
    {
        byte[] key = new byte[100];
        key[0] = StoreKeys.StatePrefix;
        Assert.That(producer.Begin().IsOk, Is.True);
        for (int i = 0; i < records; i++)
        {
            BitConverter.TryWriteBytes(key.AsSpan(1), i);
            Assert.That(producer.Produce(Changelog with { Partition = i % partitions }, key, hasKey: true, default, hasValue: false, 0).IsOk, Is.True);
        }

        world.RunUntil(() => producer.Commit(TimeSpan.Zero).IsOk);
    }

    // A transaction with one record of the changelog, which the log has and which is not committed.
    private static void Write(SimulatedWorld world, SimulatedLog log, ITransactionalProducer producer)
    {
        long end = Partition(log).End;
        MetaRecord record = new(SimulatedTown.Stages[0].Inputs.Count);
        byte[] meta = new byte[record.Length];
        record.Write(meta);
        Assert.That(producer.Begin().IsOk, Is.True);
        Assert.That(producer.Produce(Changelog, StoreKeys.Meta, hasKey: true, meta, hasValue: true, 0).IsOk, Is.True);
        world.RunUntil(() => Partition(log).End > end);
    }

    private sealed class Opening(IStoreOpening inner, Func<IStateStore, IStateStore?> opened) : IStoreOpening
    {
        public bool HasBegun => inner.HasBegun;

        public IStateStore? TryTake() => inner.TryTake() is { } store ? opened(store) : null;

        public void Dispose() => inner.Dispose();
    }

    /// <summary>One of them is not opened before it may be.</summary>
    private sealed class HangingStores(IStateStoreProvider inner, string hangs) : IStateStoreProvider
    {
        public bool Hangs { get; set; } = true;

        /// <summary>Nothing has begun to open it.</summary>
        public bool Waits { get; set; }

        public int Closed { get; private set; }

        public IStoreOpening BeginOpen(string task)
        {
            IStoreOpening opening = inner.BeginOpen(task);
            return task == hangs ? new Hanging(this, opening) : opening;
        }

        public void Delete(string task) => inner.Delete(task);

        public IReadOnlyCollection<string> Existing() => inner.Existing();

        public void Dispose() => inner.Dispose();

        private sealed class Hanging(HangingStores all, IStoreOpening inner) : IStoreOpening
        {
            public bool HasBegun => !all.Waits && inner.HasBegun;

            public IStateStore? TryTake() => all.Waits || all.Hangs ? null : inner.TryTake();

            public void Dispose()
            {
                all.Closed++;
                inner.Dispose();
            }
        }
    }

    /// <summary>The first ones to be opened are damaged.</summary>
    private sealed class DamagedStores(IStateStoreProvider inner, int damages) : IStateStoreProvider
    {
        private int _left = damages;

        public IStoreOpening BeginOpen(string task)
        {
            bool isDamaged = _left-- > 0;
            return new Opening(inner.BeginOpen(task), store => !isDamaged ? store : throw Damage(store));
        }

        private static StoreException Damage(IStateStore store)
        {
            store.Dispose();
            return new StoreException("A block has a checksum that does not match.", isCorruption: true);
        }

        public void Delete(string task) => inner.Delete(task);

        public IReadOnlyCollection<string> Existing() => inner.Existing();

        public void Dispose() => inner.Dispose();
    }

    /// <summary>Knows how many bytes of batches its stores hold; their writes may take for ever.</summary>
    private sealed class WatchedStores(IStateStoreProvider inner) : IStateStoreProvider
    {
        private long _held;

        public long HeldMax { get; private set; }

        public long BatchMax { get; private set; }

        /// <summary>Writes begun that are to be files.</summary>
        public int Files { get; private set; }

        /// <summary>So many more will end.</summary>
        public int WritesLeft { get; set; } = int.MaxValue;

        /// <summary>They have not begun.</summary>
        public bool WritesWait { get; set; }

        public IStoreOpening BeginOpen(string task) => new Opening(inner.BeginOpen(task), store => new Store(this, store));

        public void Delete(string task) => inner.Delete(task);

        public IReadOnlyCollection<string> Existing() => inner.Existing();

        public void Dispose() => inner.Dispose();

        private sealed class Store(WatchedStores all, IStateStore inner) : IStateStore
        {
            private long _batch;
            private long _writing;

            public bool HasBegunToWrite => !all.WritesWait;

            public StoreFigures Figures => inner.Figures;

            public int TryGet(ReadOnlySpan<byte> key, ref byte[] destination) => inner.TryGet(key, ref destination);

            public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, StoreVisitor visitor) => inner.Scan(from, to, visitor);

            public void BeginBatch()
            {
                inner.BeginBatch();
                Weigh(-_batch);
            }

            public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
            {
                inner.Put(key, value);
                Weigh(key.Length + value.Length);
            }

            public void Delete(ReadOnlySpan<byte> key)
            {
                inner.Delete(key);
                Weigh(key.Length);
            }

            public void WriteBatch() => inner.WriteBatch();

            public void BeginWrite(bool asFile = false)
            {
                inner.BeginWrite(asFile);
                all.Files += asFile ? 1 : 0;
                (_batch, _writing) = (0, _batch);
            }

            public bool EndWrite(bool wait)
            {
                if (all.WritesLeft == 0 && wait)
                    throw new AssertionException("waits for a write that does not end");
                if (all.WritesLeft == 0 || !inner.EndWrite(wait))
                    return false;
                all.WritesLeft--;
                all._held -= _writing;
                _writing = 0;
                return true;
            }

            public void Dispose() => inner.Dispose();

            private void Weigh(long bytes)
            {
                _batch += bytes;
                all._held += bytes;
                all.BatchMax = Math.Max(all.BatchMax, _batch);
                all.HeldMax = Math.Max(all.HeldMax, all._held);
            }
        }
    }
}
