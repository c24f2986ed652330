using Presence.Core.State;
using Presence.Host.RocksDb;

namespace Presence.Tests.RocksDb;

[Parallelizable(ParallelScope.All)]
internal sealed class RocksDbStateStoreTests
{
    private static string TemporaryDirectory() => Directory.CreateTempSubdirectory("presence-store-").FullName;

    [Test]
    public void Many_stores_share_their_budgets_and_close_in_any_order()
    {
        string path = TemporaryDirectory();
        using RocksDbResources resources = new(new RocksDbOptions());
        for (int round = 0; round < 3; round++)
        {
            List<RocksDbStateStore> stores = [.. Enumerable.Range(0, 6).Select(i => new RocksDbStateStore(Path.Combine(path, $"s{i}"), resources, TimeProvider.System))];
            for (int i = 0; i < stores.Count; i++)
            {
                for (int k = 0; k < 2_000; k++)
                {
                    stores[i].BeginBatch();
                    stores[i].Put(BitConverter.GetBytes(k), BitConverter.GetBytes(i));
                    stores[i].WriteBatch();
                }

                // Closing one must leave the others whole.
                if (i % 2 == 0)
                    stores[i].Dispose();
            }

            byte[] value = [];
            for (int i = 1; i < stores.Count; i += 2)
            {
                for (int k = 0; k < 2_000; k++)
                    Assert.That(stores[i].TryGet(BitConverter.GetBytes(k), ref value), Is.EqualTo(4));
                stores[i].Dispose();
            }
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void While_a_batch_is_written_the_store_is_read_and_the_next_one_filled()
    {
        string path = TemporaryDirectory();
        using RocksDbResources resources = new(new RocksDbOptions());
        byte[] value = [];
        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            store.BeginBatch();
            store.Put("before"u8, "1"u8);
            store.WriteBatch();
            for (int batch = 0; batch < 20; batch++)
            {
                store.BeginBatch();
                for (int i = 0; i < 5_000; i++)
                    store.Put(BitConverter.GetBytes((batch * 5_000) + i), new byte[50]);
                Assert.That(store.EndWrite(wait: true), Is.True);
                store.BeginWrite();
                Assert.That(store.TryGet("before"u8, ref value), Is.EqualTo(1));
            }
        }

        // Which ended with one on its way: it is there as a whole or not.
        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            int there = Enumerable.Range(0, 20 * 5_000).Count(i => store.TryGet(BitConverter.GetBytes(i), ref value) == 50);
            Assert.That(there, Is.AnyOf(19 * 5_000, 20 * 5_000));
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void Threads_end_with_nobody_waiting_for_them()
    {
        string path = TemporaryDirectory();
        using (RocksDbSharp.RocksDb db = RocksDbSharp.RocksDb.Open(DeferredCompactions.Defer(new RocksDbSharp.DbOptions().SetCreateIfMissing(true)), path))
        {
            DeferredCompactions compactions = new(db, TimeProvider.System);
            // An exception of such a thread would end the process.
            for (int round = 0; round < 300; round++)
            {
                StoreThreads threads = new("ending", 4);
                RocksDbWrite last = new(db, null!, compactions), late = new(db, null!, compactions);
                last.Put(BitConverter.GetBytes(round), new byte[1_000]);
                last.Start(threads, asFile: false);
                threads.End();
                Assert.That(last.IsDone(wait: true), Is.True);
                late.Start(threads, asFile: false);
                Assert.That(() => late.IsDone(wait: true), Throws.InvalidOperationException);
                late.Dispose();
                last.Dispose();
            }
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void Stores_are_opened_side_by_side_and_one_that_is_not_taken_is_closed()
    {
        string path = TemporaryDirectory();
        using (StateDirectory directory = StateDirectory.Open(path, null, "host", out _))
        {
            RocksDbResources resources = new(new RocksDbOptions());
            using RocksDbStateStoreProvider provider = new(directory, resources, TimeProvider.System);
            List<IStoreOpening> openings = [.. Enumerable.Range(0, 40).Select(i => provider.BeginOpen($"walk-in-{i}"))];
            IStateStore taken = Take(openings[0]);
            foreach (IStoreOpening opening in openings)
                opening.Dispose();
            taken.BeginBatch();
            taken.Put("a"u8, "1"u8);
            taken.WriteBatch();
            // RocksDB opens none that is open.
            using (IStoreOpening again = provider.BeginOpen("walk-in-0"))
                Assert.That(() => Take(again), Throws.TypeOf<StoreException>().With.Message.Contain("walk-in-0"));
            taken.Dispose();
            for (int i = 0; i < 40; i++)
            {
                using IStoreOpening again = provider.BeginOpen($"walk-in-{i}");
                Take(again).Dispose();
            }

            resources.Dispose();
            using IStoreOpening late = provider.BeginOpen("walk-in-0");
            Assert.That(() => Take(late), Throws.TypeOf<StoreException>().With.Message.Contain("walk-in-0"));
        }

        Directory.Delete(path, recursive: true);

        static IStateStore Take(IStoreOpening opening)
        {
            while (true)
            {
                if (opening.TryTake() is { } store)
                    return store;
                Thread.Yield();
            }
        }
    }

    [Test]
    public void A_write_that_no_thread_has_begun_with_goes_with_its_store()
    {
        string path = TemporaryDirectory();
        using (RocksDbSharp.RocksDb db = RocksDbSharp.RocksDb.Open(new RocksDbSharp.DbOptions().SetCreateIfMissing(true), path))
        {
            RocksDbWrite write = new(db, null!, null!);
            write.Put("a"u8, "1"u8);
            StoreThreads none = new("none", 0);
            write.Start(none, asFile: false);
            Assert.That(write.IsDone(wait: false), Is.False);
            write.Dispose();
            // A thread that comes to it later leaves it alone.
            write.Do();
            Assert.That(db.Get("a"u8.ToArray()), Is.Null);
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void A_batch_is_read_back_after_reopening_and_an_unwritten_one_is_not()
    {
        string path = TemporaryDirectory();
        using RocksDbResources resources = new(new RocksDbOptions());
        byte[] value = [];
        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            store.BeginBatch();
            store.Put("a"u8, "1"u8);
            store.Put("empty"u8, default);
            store.WriteBatch();
            store.BeginBatch();
            store.Put("b"u8, "2"u8);
            Assert.That(store.TryGet("b"u8, ref value), Is.EqualTo(-1));
        }

        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            Assert.That(store.TryGet("a"u8, ref value), Is.EqualTo(1));
            Assert.That(value[0], Is.EqualTo((byte)'1'));
            Assert.That(store.TryGet("empty"u8, ref value), Is.Zero, "an empty value is a value");
            Assert.That(store.TryGet("b"u8, ref value), Is.EqualTo(-1));
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void A_damaged_block_is_an_error_of_a_read_and_of_a_scan()
    {
        string path = TemporaryDirectory();
        using RocksDbResources resources = new(new RocksDbOptions());
        byte[] value = [];
        byte[] noise = new byte[100];
        const int Keys = 2_000;
        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            Random random = new(1);
            for (int i = 0; i < Keys; i++)
            {
                store.BeginBatch();
                random.NextBytes(noise);
                store.Put(System.Text.Encoding.ASCII.GetBytes($"{i:D8}"), noise);
                store.WriteBatch();
            }
        }

        // Opening writes what the log holds to a file.
        new RocksDbStateStore(path, resources, TimeProvider.System).Dispose();
        string file = Directory.GetFiles(path, "*.sst").Single();
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 0xFF;
        File.WriteAllBytes(file, bytes);

        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            StoreException? read = Assert.Throws<StoreException>(() =>
            {
                for (int i = 0; i < Keys; i++)
                    store.TryGet(System.Text.Encoding.ASCII.GetBytes($"{i:D8}"), ref value);
            });
            StoreException? scanned = Assert.Throws<StoreException>(() => store.Scan("0"u8, "9"u8, (_, _) => true));
            Assert.That((read!.IsCorruption, scanned!.IsCorruption), Is.EqualTo((true, true)), $"{read.Message}; {scanned.Message}");
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void A_scan_visits_a_range_in_byte_order_until_it_is_told_to_stop()
    {
        string path = TemporaryDirectory();
        using RocksDbResources resources = new(new RocksDbOptions());
        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            store.BeginBatch();
            for (byte i = 0; i < 10; i++)
                store.Put([2, i], default);
            store.Put([3], default);
            store.WriteBatch();
            List<byte> seen = [];
            store.Scan([2, 3], [3], (key, _) =>
            {
                seen.Add(key[1]);
                return seen.Count < 5;
            });
            Assert.That(seen, Is.EqualTo(new byte[] { 3, 4, 5, 6, 7 }));
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void Reading_allocates_nothing_once_the_buffer_has_its_size()
    {
        string path = TemporaryDirectory();
        using RocksDbResources resources = new(new RocksDbOptions());
        using (RocksDbStateStore store = new(path, resources, TimeProvider.System))
        {
            byte[] value = new byte[64];
            store.BeginBatch();
            store.Put("key"u8, "value"u8);
            store.WriteBatch();
            for (int i = 0; i < 200; i++)
                store.TryGet("key"u8, ref value);
            long allocated = Allocated.By(() =>
            {
                for (int i = 0; i < 1000; i++)
                    store.TryGet("key"u8, ref value);
            });
            Assert.That(allocated, Is.Zero);
        }

        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void A_state_directory_whose_disk_is_full_is_in_nobodys_use()
    {
        if (!File.Exists("/dev/full"))
            Assert.Ignore("There is no device here that is always full: a full disk was not tried.");
        string path = TemporaryDirectory();
        // What is written in it first.
        File.CreateSymbolicLink(Path.Combine(path, "format.new"), "/dev/full");
        StateDirectoryException refused = Assert.Throws<StateDirectoryException>(() => StateDirectory.Open(path, null, "host", out _))!;
        Assert.That(refused.MayPass, Is.True);
        Assert.That(refused.Message, Does.Contain(path).And.Contain("No space left").And.Not.Contain("in use"));
        File.Delete(Path.Combine(path, "format.new"));
        using (StateDirectory.Open(path, null, "host", out _))
            Assert.That(Assert.Throws<StateDirectoryException>(() => StateDirectory.Open(path, null, "host", out _))!.MayPass, Is.False);
        Directory.Delete(path, recursive: true);
    }

    [Test]
    public void A_state_directory_is_one_processes_alone_and_keeps_the_instance_id()
    {
        string path = TemporaryDirectory();
        using (StateDirectory first = StateDirectory.Open(path, null, "host-a", out string? notice))
        {
            Assert.That((first.InstanceId, notice), Is.EqualTo(("host-a", (string?)null)));
            Assert.That(() => StateDirectory.Open(path, null, "host-b", out _), Throws.TypeOf<StateDirectoryException>().With.Message.Contain("in use"));
        }

        // A new container has a new host name: the directory knows whose it is.
        using (StateDirectory again = StateDirectory.Open(path, null, "host-b", out string? notice))
            Assert.That((again.InstanceId, notice), Is.EqualTo(("host-a", (string?)null)));
        using (StateDirectory adopted = StateDirectory.Open(path, "other", "host-b", out string? notice))
            Assert.That((adopted.InstanceId, notice), Is.EqualTo(("other", notice)));
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        File.WriteAllText(Path.Combine(path, "format"), "99\n");
        Assert.That(() => StateDirectory.Open(path, null, "host-b", out _), Throws.TypeOf<StateDirectoryException>().With.Message.Contain("newer"));
        Directory.Delete(path, recursive: true);
    }
}
