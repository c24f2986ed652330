using System.Runtime.InteropServices;
using Presence.Host.RocksDb;

namespace Presence.Tests.RocksDb;

/// <summary>The order of a batch's entries.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class BatchEntryTests
{
    private static IEnumerable<TestCaseData> Keys()
    {
        Random random = new(1);
        yield return Case("in no order, some several times", 5_000, _ => Bytes(4, 2));
        yield return Case("of any length, the beginnings of one another", 5_000, _ => Bytes(random.Next(0, 20), 2));
        yield return Case("that end in zeros, which are no padding", 3_000, _ => [1, 2, 3, .. new byte[random.Next(0, 20)]]);
        yield return Case("that are all one", 1_000, _ => [.. "one and the same, and long"u8]);
        yield return Case("with long beginnings in common", 5_000, i => [.. "a venue's name that goes on and on/"u8, .. Bytes(random.Next(1, 12), 200)]);
        yield return Case("that differ at their ends only", 2_000, i => [.. new byte[100], (byte)(i * 7 >> 8), (byte)(i * 7)]);
        yield return Case("above and below the middle of a byte", 3_000, _ => Bytes(9, 256));
        yield return Case("in order already", 3_000, i => [(byte)(i >> 8), (byte)i, 7, 7, 7, 7, 7, 7, 7, 7]);
        yield return Case("of which there are few", 16, _ => Bytes(3, 3));

        TestCaseData Case(string name, int count, Func<int, byte[]> key) => new TestCaseData((object)Enumerable.Range(0, count).Select(key).ToArray()) { TestName = $"Keys_are_in_byte_order_and_equal_ones_as_they_came(\"{name}\")" };

        byte[] Bytes(int length, int values)
        {
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++)
                bytes[i] = (byte)random.Next(values);
            return bytes;
        }
    }

    [TestCaseSource(nameof(Keys))]
    public void Keys_are_in_byte_order_and_equal_ones_as_they_came(byte[][] keys)
    {
        // One behind the other with something between, as in a batch.
        nint memory = Marshal.AllocHGlobal(keys.Sum(k => k.Length + 1));
        try
        {
            List<BatchEntry> entries = [];
            nint at = memory;
            foreach (byte[] key in keys)
            {
                Marshal.Copy(key, 0, at, key.Length);
                entries.Add(new BatchEntry(at, key.Length, 0, entries.Count));
                at += key.Length + 1;
            }

            BatchEntry[] sorted = [.. entries];
            BatchEntry.Sort(sorted);
            int[] expected = [.. Enumerable.Range(0, keys.Length).OrderBy(i => keys[i], Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)))];
            Assert.That(sorted.Select(e => e.Index), Is.EqualTo(expected));
        }
        finally
        {
            Marshal.FreeHGlobal(memory);
        }
    }
}
