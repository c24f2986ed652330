using System.Buffers.Binary;
using Presence.Core.State;
using Presence.Host.RocksDb;

namespace Presence.Tests.RocksDb;

/// <summary>Batches that become files, as a replay writes them.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class LargeBatchTests
{
    private readonly string _path = Directory.CreateTempSubdirectory("presence-large-").FullName;
    private readonly RocksDbResources _resources = new(new RocksDbOptions());

    [OneTimeTearDown]
    public void Remove()
    {
        _resources.Dispose();
        Directory.Delete(_path, recursive: true);
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Large_and_small_batches_in_any_order_are_what_a_map_would_hold(int seed)
    {
        string path = Path.Combine(_path, $"model-{seed}");
        Random random = new(seed);
        SortedDictionary<int, byte[]> model = [];
        int large = 0;
        for (int life = 0; life < 3; life++)
        {
            using RocksDbStateStore store = Open(path);
            for (int batch = 0; batch < 8; batch++)
            {
                bool isLarge = random.Next(2) == 0;
                large += isLarge ? 1 : 0;
                store.BeginBatch();
                // Keys come several times in one batch, deletes and values in any order.
                for (int i = isLarge ? 20_000 : 100; i > 0; i--)
                {
                    int key = random.Next(30_000);
                    if (random.Next(3) == 0)
                    {
                        store.Delete(Key(key));
                        model.Remove(key);
                        continue;
                    }

                    byte[] value = new byte[random.Next(200)];
                    random.NextBytes(value);
                    store.Put(Key(key), value);
                    model[key] = value;
                }

                if (isLarge)
                    WriteFile(store);
                else
                    store.WriteBatch();
                AssertHolds(store, model);
            }
        }

        using (RocksDbStateStore again = Open(path))
            AssertHolds(again, model);
        Assert.That(large, Is.GreaterThan(3));
        Assert.That(File.Exists(Unfinished(path)), Is.False);
    }

    [Test]
    public void A_power_loss_takes_nothing_that_was_written_before_a_large_batch()
    {
        string path = Path.Combine(_path, "power");
        using (RocksDbStateStore store = Open(path))
        {
            store.BeginBatch();
            store.Put("a, which is below all that follows"u8, "1"u8);
            store.WriteBatch();
            Fill(store, 1_000_000);
            WriteFile(store);
            store.BeginBatch();
            store.Put("b, which is only in the log"u8, "1"u8);
            store.WriteBatch();
            // The log as it is on a disk that has not been synced, and the rest as it is.
            string after = Path.Combine(_path, "after-power");
            Directory.CreateDirectory(after);
            foreach (string file in Directory.EnumerateFiles(path).Where(f => Path.GetExtension(f) != ".log" && Path.GetFileName(f) != "LOCK"))
                File.Copy(file, Path.Combine(after, Path.GetFileName(file)));
            using RocksDbStateStore left = Open(after);
            byte[] value = [];
            Assert.That(left.TryGet(Key(1_000_000), ref value), Is.GreaterThanOrEqualTo(0), "the large batch");
            Assert.That(left.TryGet("a, which is below all that follows"u8, ref value), Is.EqualTo(1), "what came before it");
            Assert.That(left.TryGet("b, which is only in the log"u8, ref value), Is.EqualTo(-1), "what came after it: else this test shows nothing");
        }
    }

    [Test]
    public void A_file_that_cannot_be_written_is_an_error_and_nothing_of_it_is_there()
    {
        string path = Path.Combine(_path, "refused");
        using (RocksDbStateStore store = Open(path))
        {
            Directory.CreateDirectory(Unfinished(path));
            Fill(store, 0);
            StoreException? e = Assert.Throws<StoreException>(() => WriteFile(store));
            Assert.That(e!.IsCorruption, Is.False, e.Message);
            Assert.That(e.Message, Does.Contain(path));
            store.BeginBatch();
            store.Put("later"u8, default);
            Assert.That(() => store.WriteBatch(), Throws.TypeOf<StoreException>().With.Message.EqualTo(e.Message), "nothing may follow");
            Assert.That(() => store.EndWrite(wait: true), Throws.TypeOf<StoreException>());
        }

        // What cannot go keeps the store from being opened, not longer than it is there.
        Assert.That(() => Open(path), Throws.TypeOf<StoreException>());
        Directory.Delete(Unfinished(path));
        using RocksDbStateStore again = Open(path);
        AssertHolds(again, []);
    }

    [Test]
    public void What_a_killed_process_left_unfinished_goes_when_the_store_is_opened()
    {
        string path = Path.Combine(_path, "killed");
        Open(path).Dispose();
        File.WriteAllBytes(Unfinished(path), new byte[1_000]);
        using RocksDbStateStore store = Open(path);
        Assert.That(File.Exists(Unfinished(path)), Is.False);
        AssertHolds(store, []);
    }

    private RocksDbStateStore Open(string path) => new(path, _resources, TimeProvider.System);

    private static string Unfinished(string path) => Path.Combine(path, "batch.unfinished");

    private static byte[] Key(int key)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, key | 1 << 30 | 1 << 29);
        return bytes;
    }

    private static void WriteFile(RocksDbStateStore store)
    {
        store.BeginWrite(asFile: true);
        while (!store.EndWrite(wait: false))
            Thread.Yield();
    }

    // A large batch of keys from a number on.
    private static void Fill(RocksDbStateStore store, int from)
    {
        store.BeginBatch();
        for (int i = 0; i < 10_000; i++)
            store.Put(Key(from + i), new byte[100]);
    }

    private static void AssertHolds(RocksDbStateStore store, SortedDictionary<int, byte[]> model)
    {
        using var expected = model.GetEnumerator();
        store.Scan([0], [0xFF], (key, value) =>
        {
            Assert.That(expected.MoveNext(), Is.True, "more than there should be");
            Assert.That(key.SequenceEqual(Key(expected.Current.Key)) && value.SequenceEqual(expected.Current.Value), Is.True, $"key {expected.Current.Key}");
            return true;
        });
        Assert.That(expected.MoveNext(), Is.False, "less than there should be");
        // What is deleted must not be found by its key either.
        byte[] found = [];
        for (int key = 0; key < 30_000; key += 7)
            Assert.That(store.TryGet(Key(key), ref found), Is.EqualTo(model.TryGetValue(key, out byte[]? value) ? value.Length : -1));
    }
}
