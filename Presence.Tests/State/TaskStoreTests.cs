using System.Buffers.Binary;
using System.Text;
using Presence.Core.Stages;
using Presence.Core.State;
using Presence.Tests.Stages;

namespace Presence.Tests.State;

/// <summary>The layers of a task's state against a plain dictionary, over random transactions, aborts and crashes.</summary>
internal sealed class TaskStoreTests
{
    private static readonly StoreBounds Small = new() { WriteInterval = TimeSpan.FromMilliseconds(50), UnwrittenBytesMax = 1_000, CacheBytesMax = 600, TimersMax = 8 };

    private static readonly StageDefinition Stage = new()
    {
        Name = "stage",
        Service = "stage",
        Inputs = ["in"],
        ClockInputs = [0],
        Outputs = [],
        TimerOf = TimerOf,
        Create = () => throw new NotSupportedException(),
    };

    // The timer of a value is its first eight bytes.
    private static long TimerOf(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadInt64LittleEndian(value);

    [Test]
    public void State_and_timers_are_those_of_a_plain_map_through_aborts_and_crashes([Range(1, 40)] int seed)
    {
        Random random = new(seed);
        MemoryStore disk = new() { Slow = random };
        List<(byte[] Key, byte[]? Value)> changelog = [];
        SortedDictionary<string, byte[]> committed = [];
        TaskStore store = Open(disk, changelog.Count);
        long clock = 0, now = 0;
        for (int transaction = 0; transaction < 150; transaction++)
        {
            SortedDictionary<string, byte[]> state = new(committed);
            long clockBefore = clock;
            clock = Step(random, store, state, clock);
            if (random.Next(6) == 0)
            {
                store.Abandon();
                clock = clockBefore;
            }
            else
            {
                Commit(store, changelog, now += random.Next(60));
                committed = state;
            }

            Write(random, store);
            if (random.Next(12) == 0)
            {
                // Killed: what was not written is replayed.
                clock = Math.Min(clock, clockBefore);
                disk.Kill();
                committed = Replay(changelog);
                Restore(disk, changelog, now);
                store = Open(disk, changelog.Count);
                Assert.That(Read(store, committed.Keys), Is.EqualTo(committed));
            }
        }

        store.Write();
        Fire(store, committed, long.MaxValue - 1);
        Commit(store, changelog, now);
        store.Write();
        Assert.That(disk.Entries.Keys.Where(k => k[0] == StoreKeys.TimerPrefix), Is.Empty, "every timer has fired");
    }

    [Test]
    public void What_changes_while_a_transaction_is_on_its_way_stays_or_goes_with_it([Range(1, 40)] int seed)
    {
        Random random = new(seed);
        MemoryStore disk = new() { Slow = random };
        List<(byte[] Key, byte[]? Value)> changelog = [];
        SortedDictionary<string, byte[]> committed = [];
        TaskStore store = Open(disk, 0);
        long clock = 0, committedClock = 0, now = 0;
        for (int transaction = 0; transaction < 150; transaction++)
        {
            SortedDictionary<string, byte[]> sealedState = new(committed);
            clock = Step(random, store, sealedState, clock);
            long sealedClock = clock;
            List<(byte[] Key, byte[]? Value)> entries = Seal(store, out byte[] meta);
            SortedDictionary<string, byte[]> state = new(sealedState);
            for (int steps = random.Next(3); steps > 0; steps--)
            {
                clock = Step(random, store, state, clock);
                Write(random, store);
            }

            if (random.Next(6) == 0)
            {
                store.Abandon();
                clock = committedClock;
                continue;
            }

            changelog.AddRange(entries);
            store.Apply(meta, changelog.Count, now += random.Next(60));
            committed = sealedState;
            committedClock = sealedClock;
            if (random.Next(6) == 0)
            {
                // What was made ahead is taken back, and nothing else.
                store.Abandon();
                clock = committedClock;
                Assert.That(Read(store, state.Keys.Union(committed.Keys)), Is.EqualTo(committed));
                continue;
            }

            Assert.That(Read(store, state.Keys), Is.EqualTo(state));
            changelog.AddRange(Seal(store, out meta));
            store.Apply(meta, changelog.Count, now);
            committed = state;
            committedClock = clock;
        }

        store.Write();
        Fire(store, committed, long.MaxValue - 1);
        Commit(store, changelog, now);
        store.Write();
        Assert.That(disk.Entries.Keys.Where(k => k[0] is StoreKeys.TimerPrefix or StoreKeys.StatePrefix), Is.Empty, "every timer has fired");
    }

    private static void Write(Random random, TaskStore store)
    {
        switch (random.Next(6))
        {
            case 0:
                store.Write();
                break;
            case 1 or 2:
                store.BeginWrite();
                break;
            case 3:
                store.EndWrite(wait: false);
                break;
        }
    }

    [Test]
    public void What_is_committed_reaches_the_disk_together()
    {
        MemoryStore disk = new();
        TaskStore store = Open(disk, 0);
        List<(byte[], byte[]?)> changelog = [];
        store.Put("a"u8, Value(500, 1));
        Commit(store, changelog, 1_000);
        store.Put("b"u8, Value(500, 2));
        Commit(store, changelog, 1_049);
        Assert.That(disk.Entries, Is.Empty);
        Assert.That(store.WrittenOffset, Is.Zero);
        store.Write();
        Assert.That(disk.Entries.Keys.Count(k => k[0] == StoreKeys.StatePrefix), Is.EqualTo(2));
        Assert.That(store.WrittenOffset, Is.EqualTo(store.ChangelogOffset));
    }

    [Test]
    public void What_comes_and_goes_between_two_writes_never_reaches_the_disk()
    {
        MemoryStore disk = new();
        TaskStore store = Open(disk, 0);
        List<(byte[], byte[]?)> changelog = [];
        Assert.That(store.TryTakeDue(0, out _, out _, out _), Is.False);
        Assert.That(store.TryGet("a"u8, out _), Is.False);
        store.Put("a"u8, Value(5, 1));
        Commit(store, changelog, 1_000);
        Assert.That(store.TryTakeDue(5, out long time, out _, out _), Is.True);
        Assert.That(time, Is.EqualTo(5));
        store.Delete("a"u8);
        Commit(store, changelog, 1_010);
        store.Write();
        Assert.That(disk.Touched.Where(k => k[0] is StoreKeys.StatePrefix or StoreKeys.TimerPrefix), Is.Empty);
    }

    [Test]
    public void A_timer_is_written_when_it_changes_and_deleted_when_it_was_due()
    {
        MemoryStore disk = new();
        TaskStore store = Open(disk, 0);
        List<(byte[], byte[]?)> changelog = [];
        store.Put("a"u8, Value(5, 1));
        Commit(store, changelog, 0);
        store.Write();
        disk.Touched.Clear();
        store.Put("a"u8, Value(5, 2));
        Commit(store, changelog, 0);
        store.Write();
        Assert.That(disk.Touched.Where(k => k[0] == StoreKeys.TimerPrefix), Is.Empty);

        Assert.That(store.TryTakeDue(5, out _, out _, out _), Is.True);
        store.Put("a"u8, Value(9, 2));
        Commit(store, changelog, 0);
        store.Write();
        Assert.That(disk.Entries.Keys.Where(k => k[0] == StoreKeys.TimerPrefix).Select(k => StoreKeys.TimerTime(k)), Is.EqualTo([9]));
    }

    [Test]
    public void A_copy_that_follows_drops_the_timers_that_have_fired_and_no_other([Range(1, 20)] int seed)
    {
        Random random = new(seed);
        MemoryStore disk = new(), copy = new();
        TaskStore store = Open(disk, 0);
        StoreRestore follower = new(copy, Stage, new LocalRecord(0, 0, "t"), new StoreBounds());
        List<(byte[] Key, byte[]? Value)> changelog = [];
        SortedDictionary<string, byte[]> state = [];
        long clock = 0, before = 0;
        for (int transaction = 0; transaction < 150; transaction++)
        {
            for (int i = random.Next(12); i > 0; i--)
                Change(random, store, state, clock);
            if (random.Next(3) > 0)
            {
                Fire(store, state, clock);
                (before, clock) = (clock, clock + 1 + random.Next(40));
            }

            // What the clock has passed with its last move may have to wait for the next transaction.
            if (random.Next(2) == 0)
                Fire(store, state, clock);
            Commit(store, changelog, transaction, clock);
            for (int i = (int)follower.Position; i < changelog.Count; i++)
                follower.Apply(i, changelog[i].Key, changelog[i].Value, changelog[i].Value is not null);
            if (random.Next(3) > 0)
                continue;
            // What lies before the last clock but one goes, in slices.
            for (int slices = 0; slices < 100; slices++)
            {
                follower.Complete(changelog.Count, transaction);
                follower.DropFired(max: 7);
            }

            Assert.That(copy.Entries.Keys.Where(k => k[0] == StoreKeys.TimerPrefix && StoreKeys.TimerTime(k) <= before), Is.Empty);
        }

        follower.Complete(changelog.Count, 0);
        TaskStore promoted = new(copy, TimerOf, follower.Local, Small);
        Fire(promoted, state, long.MaxValue - 1);
    }

    [Test]
    public void A_restore_that_holds_more_than_it_may_writes_at_once()
    {
        MemoryStore disk = new();
        StoreRestore restore = new(disk, Stage, new LocalRecord(0, 0, "t"), new StoreBounds());
        restore.LimitBatch(1_000_000);
        for (int i = 0; i < 500; i++)
            restore.Apply(i, [StoreKeys.StatePrefix, .. BitConverter.GetBytes(i), .. new byte[995]], default, hasValue: false);
        restore.LimitBatch(500_000);
        Assert.That((restore.BatchBytes, disk.Entries.Count), Is.EqualTo((500_000, 0)));
        restore.LimitBatch(499_999);
        Assert.That((restore.BatchBytes, LocalRecord.Read(disk.Entries[StoreKeys.Local.ToArray()]).ChangelogOffset), Is.EqualTo((0, 500L)));
    }

    [Test]
    public void A_restore_is_as_far_as_what_has_been_written()
    {
        MemoryStore disk = new() { Slow = new Never() };
        StoreRestore restore = new(disk, Stage, new LocalRecord(0, 0, "t"), new StoreBounds { FileBytesMin = 100_000 });
        restore.LimitBatch(1_000_000);
        for (int i = 0; i < 600; i++)
            restore.Apply(i, [StoreKeys.StatePrefix, .. BitConverter.GetBytes(i), .. new byte[995]], default, hasValue: false);
        Assert.That((restore.Position, restore.Local.ChangelogOffset, restore.BatchBytes), Is.EqualTo((600L, 0L, 600_000)));
        Assert.That(disk.Waits, Is.Zero);
        disk.Slow = null;
        restore.LimitBatch(1_000_000);
        Assert.That((restore.Local.ChangelogOffset, restore.BatchBytes), Is.EqualTo((500L, 100_000)));
    }

    [TestCase(430_000, 400_000)]
    [TestCase(800_000, 400_000)]
    [TestCase(300_000, 400_000)]
    public void A_restore_holds_no_more_than_it_may_however_slow_the_disk(int bytes, int fileBytesMin)
    {
        MemoryStore disk = new() { Slow = new Never() };
        StoreRestore restore = new(disk, Stage, new LocalRecord(0, 0, "t"), new StoreBounds { FileBytesMin = fileBytesMin });
        restore.LimitBatch(bytes);
        int most = 0;
        for (int i = 0; i < 3_000; i++)
        {
            restore.Apply(i, [StoreKeys.StatePrefix, .. BitConverter.GetBytes(i), .. new byte[995]], default, hasValue: false);
            most = Math.Max(most, restore.BatchBytes);
        }

        Assert.That(most, Is.InRange(bytes - 50_000, bytes + 1_000));
    }

    [Test]
    public void What_is_on_its_way_to_the_disk_holds_nobody_up_until_as_much_again_waits()
    {
        MemoryStore disk = new() { Slow = new Never() };
        TaskStore store = Open(disk, 0);
        List<(byte[], byte[]?)> changelog = [];
        int n = 0;
        while (disk.Waits == 0)
        {
            store.Put(Encoding.ASCII.GetBytes($"key-{n++}"), Value(500, 1));
            Commit(store, changelog, n);
            Assert.That(store.Figures.UnwrittenBytes, Is.LessThan(2.2 * Small.UnwrittenBytesMax));
            Assert.That(store.TryGet("key-0"u8, out _), Is.True);
        }

        Assert.That(store.Figures.UnwrittenBytes, Is.GreaterThanOrEqualTo(Small.UnwrittenBytesMax), "the second half is on its way");
        Assert.That(store.WrittenOffset, Is.EqualTo(LocalRecord.Read(disk.Entries[StoreKeys.Local.ToArray()]).ChangelogOffset), "the first half");
        Assert.That(Read(store, Enumerable.Range(0, n).Select(i => $"key-{i}")), Has.Count.EqualTo(n));
    }

    [Test]
    public void The_last_of_a_restore_is_written_after_what_is_on_its_way_and_nobody_waits()
    {
        Answers answers = new();
        MemoryStore disk = new() { Slow = answers };
        StoreRestore restore = new(disk, Stage, new LocalRecord(0, 0, "t"), new StoreBounds { FileBytesMin = 1 });
        restore.LimitBatch(1_000);
        int count = 0;
        for (; disk.Writes == 0; count++)
            restore.Apply(count, [StoreKeys.StatePrefix, (byte)count], Value(0, 0), hasValue: true);
        restore.Apply(count++, [StoreKeys.StatePrefix, (byte)count], Value(0, 0), hasValue: true);

        Assert.That((TryComplete(), restore.IsCompleting), Is.EqualTo((false, false)), "a part is on its way");
        answers.Ends(1);
        Assert.That((TryComplete(), restore.IsCompleting), Is.EqualTo((false, true)), "that one has ended, and the last has begun");
        Assert.That(restore.Local.ChangelogOffset, Is.EqualTo(count - 1));
        Assert.That((TryComplete(), restore.IsCompleting), Is.EqualTo((false, true)));
        answers.Ends(1);
        Assert.That(TryComplete(), Is.True);
        Assert.That((restore.Local.ChangelogOffset, restore.Local.CurrentAt, disk.Writes, disk.Waits), Is.EqualTo((count + 5, 77, 2, 0)));
        Assert.That(disk.Entries.Keys.Count(k => k[0] == StoreKeys.StatePrefix), Is.EqualTo(count));

        bool TryComplete() => restore.TryComplete(count + 5, 77);
    }

    [Test]
    public void A_restore_whose_last_write_fails_is_never_complete()
    {
        MemoryStore disk = new() { FailWrites = true };
        StoreRestore restore = new(disk, Stage, new LocalRecord(0, 0, "t"), new StoreBounds());
        restore.Apply(0, [StoreKeys.StatePrefix, 1], Value(0, 0), hasValue: true);
        for (int i = 0; i < 3; i++)
            Assert.That(() => restore.TryComplete(1, 0), Throws.TypeOf<StoreException>());
    }

    // Of writes that end so many times as was said.
    private sealed class Answers : Random
    {
        private int _ends;

        public void Ends(int times) => _ends += times;

        public override int Next(int maxValue) => _ends-- > 0 ? 0 : 1 + (_ends = 0);
    }

    // Of writes that end only when they are waited for.
    private sealed class Never : Random
    {
        public override int Next(int maxValue) => 1;
    }

    [Test]
    public void Timers_that_stand_no_more_are_dropped_so_many_at_a_time_and_committed_away()
    {
        MemoryStore disk = new();
        StoreRestore follower = new(disk, Stage, new LocalRecord(0, 0, "t"), new StoreBounds());
        for (int i = 0; i < 2_500; i++)
            follower.Apply(i, [StoreKeys.StatePrefix, (byte)'a'], Value(1_000 + i, 0), hasValue: true);
        follower.Complete(2_500, 0);
        TaskStore store = new(disk, TimerOf, follower.Local, new StoreBounds());

        int calls = 0;
        while (!store.TryTakeDue(1_000_000, out _, out _, out _))
        {
            Assert.That(store.HasDue(1_000_000), "there is more");
            calls++;
        }

        Assert.That(calls, Is.GreaterThan(1));
        Assert.That(store.IsDirty);
        store.Delete("a"u8);
        Commit(store, [], 0);
        store.Write();
        Assert.That(store.IsDirty, Is.False);
        Assert.That(disk.Entries.Keys.Where(k => k[0] == StoreKeys.TimerPrefix), Is.Empty);
    }

    [Test]
    public void Timers_in_memory_are_bounded()
    {
        TaskStore store = new(new MemoryStore(), TimerOf, new LocalRecord(0, 0, "t"), Small);
        List<(byte[], byte[]?)> changelog = [];
        for (int i = 0; i < 100; i++)
            store.Put(Encoding.ASCII.GetBytes($"{i:000}"), Value(1_000 - i, 0));
        Assert.That(store.TimersInMemory, Is.LessThanOrEqualTo(Small.TimersMax));
        Commit(store, changelog, 0);
        List<string> fired = [];
        while (store.TryTakeDue(2_000, out _, out ReadOnlySpan<byte> key, out _))
        {
            fired.Add(Encoding.ASCII.GetString(key));
            store.Delete(Encoding.ASCII.GetBytes(fired[^1]));
            Assert.That(store.TimersInMemory, Is.LessThanOrEqualTo(Small.TimersMax));
        }

        Assert.That(fired, Is.EqualTo(Enumerable.Range(0, 100).Reverse().Select(i => $"{i:000}")));
    }

    private static TaskStore Open(MemoryStore disk, long offset) => new(disk, TimerOf, new LocalRecord(offset, 0, "t"), Small);

    private static byte[] Value(long timer, byte mark)
    {
        byte[] value = new byte[9 + (mark % 7)];
        BinaryPrimitives.WriteInt64LittleEndian(value, timer);
        value[8] = mark;
        return value;
    }

    private static void Change(Random random, TaskStore store, SortedDictionary<string, byte[]> state, long clock)
    {
        string key = $"key-{random.Next(40)}";
        byte[] bytes = Encoding.ASCII.GetBytes(key);
        bool isThere = store.TryGet(bytes, out ReadOnlySpan<byte> value);
        Assert.That(isThere ? value.ToArray() : null, Is.EqualTo(state.GetValueOrDefault(key)));
        if (random.Next(4) == 0)
        {
            store.Delete(bytes);
            state.Remove(key);
        }
        else
        {
            // Now and then the timer that it had before.
            long timer = isThere && random.Next(3) == 0 ? TimerOf(state[key]) : clock + 1 + random.Next(300);
            byte[] next = Value(timer, (byte)random.Next(256));
            store.Put(bytes, next);
            state[key] = next;
        }
    }

    // Takes what is due, in order, and holds it against the map.
    private static void Fire(TaskStore store, SortedDictionary<string, byte[]> state, long clock)
    {
        List<(long Time, string Key)> due = [.. state.Where(s => TimerOf(s.Value) <= clock).Select(s => (TimerOf(s.Value), s.Key)).OrderBy(t => t.Item1).ThenBy(t => t.Key, StringComparer.Ordinal)];
        foreach ((long expected, string key) in due)
        {
            Assert.That(store.TryTakeDue(clock, out long time, out ReadOnlySpan<byte> taken, out ReadOnlySpan<byte> value), Is.True, $"{key} at {expected} is due");
            Assert.That((time, Encoding.ASCII.GetString(taken)), Is.EqualTo((expected, key)));
            Assert.That(value.ToArray(), Is.EqualTo(state[key]));
            store.Delete(Encoding.ASCII.GetBytes(key));
            store.AssertMoved(Encoding.ASCII.GetBytes(key), time);
            state.Remove(key);
        }

        Assert.That(store.TryTakeDue(clock, out _, out _, out _), Is.False);
    }

    private static SortedDictionary<string, byte[]> Read(TaskStore store, IEnumerable<string> keys)
    {
        SortedDictionary<string, byte[]> read = [];
        foreach (string key in keys)
        {
            if (store.TryGet(Encoding.ASCII.GetBytes(key), out ReadOnlySpan<byte> value))
                read.Add(key, value.ToArray());
        }

        return read;
    }

    // Some changes, and what is due.
    private static long Step(Random random, TaskStore store, SortedDictionary<string, byte[]> state, long clock)
    {
        for (int i = random.Next(12); i > 0; i--)
            Change(random, store, state, clock);
        clock += random.Next(40);
        Fire(store, state, clock);
        Assert.That(Read(store, state.Keys), Is.EqualTo(state));
        return clock;
    }

    private static void Commit(TaskStore store, List<(byte[] Key, byte[]? Value)> changelog, long now, long clock = 0)
    {
        changelog.AddRange(Seal(store, out byte[] meta, clock));
        store.Apply(meta, changelog.Count, now);
    }

    // What the changelog gets of it.
    private static List<(byte[] Key, byte[]? Value)> Seal(TaskStore store, out byte[] meta, long clock = 0)
    {
        List<(byte[] Key, byte[]? Value)> entries = [];
        for (int i = 0; i < store.DirtyCount; i++)
            entries.Add((store.DirtyKey(i).ToArray(), store.IsDirtyDeleted(i) ? null : store.DirtyValue(i).ToArray()));
        MetaRecord record = new(1);
        record.Clocks[0] = clock;
        meta = new byte[record.Length];
        record.Write(meta);
        entries.Add((StoreKeys.Meta.ToArray(), meta));
        store.Seal();
        return entries;
    }

    private static SortedDictionary<string, byte[]> Replay(List<(byte[] Key, byte[]? Value)> changelog)
    {
        SortedDictionary<string, byte[]> state = [];
        foreach ((byte[] key, byte[]? value) in changelog.Where(c => c.Key[0] == StoreKeys.StatePrefix))
        {
            string name = Encoding.ASCII.GetString(key.AsSpan(StoreKeys.StateHeader));
            if (value is null)
                state.Remove(name);
            else
                state[name] = value;
        }

        return state;
    }

    private static void Restore(MemoryStore disk, List<(byte[] Key, byte[]? Value)> changelog, long now)
    {
        byte[] buffer = [];
        int length = disk.TryGet(StoreKeys.Local, ref buffer);
        StoreRestore restore = new(disk, Stage, length < 0 ? new LocalRecord(0, 0, "t") : LocalRecord.Read(buffer.AsSpan(0, length)), new StoreBounds());
        for (int i = (int)restore.Position; i < changelog.Count; i++)
            restore.Apply(i, changelog[i].Key, changelog[i].Value, changelog[i].Value is not null);
        restore.Complete(changelog.Count, now);
    }
}
