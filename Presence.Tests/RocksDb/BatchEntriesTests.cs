using Presence.Host.RocksDb;

namespace Presence.Tests.RocksDb;

/// <summary>The entries of a batch, as they are filled, sorted and emptied.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class BatchEntriesTests
{
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void What_comes_out_is_what_a_sorted_map_would_hold(int seed)
    {
        Random random = new(seed);
        using BatchEntries entries = new();
        for (int round = 0; round < 20; round++)
        {
            SortedDictionary<byte[], byte[]?> model = new(Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)));
            int count = random.Next(0, 4_000), bytes = 0;
            for (int i = 0; i < count; i++)
            {
                byte[] key = Bytes(random.Next(0, 4));
                // One in a thousand is larger than any part of its memory.
                byte[]? value = random.Next(5) == 0 ? null : Bytes(random.Next(1_000) == 0 ? 400_000 : random.Next(0, 60));
                if (value is null)
                    entries.Delete(key);
                else
                    entries.Put(key, value);
                model[key] = value;
                bytes += key.Length + (value?.Length ?? 0);
            }

            Assert.That(entries.Count, Is.EqualTo(count));
            Assert.That(entries.Bytes, Is.EqualTo(bytes));
            // As often as it is asked.
            AssertSorted(entries, model);
            AssertSorted(entries, model);
            int kept = random.Next(2) * 50_000;
            entries.Clear(kept);
            Assert.That(entries.HeldBytes, kept == 0 || count < 100 ? Is.LessThanOrEqualTo(kept) : Is.InRange(1, kept));
            Assert.That((entries.Count, entries.Bytes, entries.Sort().Length), Is.EqualTo((0, 0L, 0)));
        }

        byte[] Bytes(int length)
        {
            byte[] bytes = new byte[length];
            random.NextBytes(bytes);
            return bytes;
        }
    }

    [Test]
    public void An_empty_value_is_no_delete()
    {
        using BatchEntries entries = new();
        entries.Put("a"u8, default);
        entries.Delete("b"u8);
        ReadOnlySpan<BatchEntry> sorted = entries.Sort();
        Assert.That((sorted[0].IsDelete, sorted[1].IsDelete), Is.EqualTo((false, true)));
    }

    private static void AssertSorted(BatchEntries entries, SortedDictionary<byte[], byte[]?> model)
    {
        ReadOnlySpan<BatchEntry> sorted = entries.Sort();
        Assert.That(sorted.Length, Is.EqualTo(model.Count));
        int i = 0;
        foreach ((byte[] key, byte[]? value) in model)
        {
            ref readonly BatchEntry entry = ref sorted[i++];
            Assert.That(entry.Key.SequenceEqual(key) && entry.IsDelete == value is null && entry.Value.SequenceEqual(value), Is.True, $"entry {i}");
        }
    }
}
