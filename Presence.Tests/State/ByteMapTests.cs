using Presence.Core.State;

namespace Presence.Tests.State;

/// <summary>Maps that share their memory, against plain dictionaries.</summary>
internal sealed class ByteMapTests
{
    [Test]
    public void Maps_that_share_memory_hold_what_was_put_whatever_its_size([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        ByteChunks memory = new();
        (ByteMap Map, Dictionary<string, (byte[]? Value, bool IsNew, bool IsMarked)> Model)[] all = [.. Enumerable.Range(0, 3).Select(_ => (new ByteMap(memory), new Dictionary<string, (byte[]?, bool, bool)>()))];
        for (int i = 0; i < 30_000; i++)
        {
            (ByteMap map, var model) = all[random.Next(all.Length)];
            byte[] key = new byte[random.Next(40) == 0 ? 0 : 8 + random.Next(8)];
            BitConverter.TryWriteBytes(key, random.NextInt64(3_000));
            string name = Convert.ToHexString(key);
            bool isNew = random.Next(2) == 0;
            bool marks = random.Next(4) == 0;
            bool remembered = model.TryGetValue(name, out var known) ? known.IsNew : isNew;
            switch (random.Next(1_000))
            {
                case 0:
                    map.Clear();
                    model.Clear();
                    break;
                case < 200:
                    map.Delete(key, isNew);
                    model[name] = (null, remembered, known.IsMarked);
                    break;
                default:
                    // Now and then more than a chunk.
                    byte[] value = new byte[random.Next(300) == 0 ? random.Next(200_000) : random.Next(80)];
                    random.NextBytes(value);
                    map.Put(key, value, isNew, marks);
                    model[name] = (value, remembered, known.IsMarked || marks);
                    break;
            }

            if (i % 1_000 == 0)
                Array.ForEach(all, a => AssertSame(a.Map, a.Model));
        }

        Array.ForEach(all, a => AssertSame(a.Map, a.Model));
    }

    [Test]
    public void What_a_map_gives_back_another_one_uses()
    {
        ByteChunks memory = new();
        ByteMap first = new(memory), second = new(memory);
        Fill(first);
        first.Clear();
        Fill(second);
        second.Clear();
        long allocated = Allocated.By(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                Fill(first);
                first.Clear();
                Fill(second);
                second.Clear();
            }
        });
        Assert.That(allocated, Is.Zero);
    }

    private static void Fill(ByteMap map)
    {
        Span<byte> key = stackalloc byte[8];
        Span<byte> value = stackalloc byte[50];
        for (int i = 0; i < 20_000; i++)
        {
            BitConverter.TryWriteBytes(key, i);
            map.Put(key, value);
        }
    }

    private static void AssertSame(ByteMap map, Dictionary<string, (byte[]? Value, bool IsNew, bool IsMarked)> model)
    {
        Assert.That(map.Count, Is.EqualTo(model.Count));
        for (int i = 0; i < map.Count; i++)
        {
            byte[] key = map.KeyAt(i).ToArray();
            (byte[]? value, bool isNew, bool isMarked) = model[Convert.ToHexString(key)];
            bool isFound = map.TryGet(key, out ReadOnlySpan<byte> found, out bool isDeleted);
            if (!isFound || isDeleted != (value is null) || isDeleted != map.IsDeletedAt(i) || map.IsNewAt(i) != isNew || map.IsMarkedAt(i) != isMarked || !found.SequenceEqual(value) || !map.ValueAt(i).SequenceEqual(value))
                Assert.Fail($"key {Convert.ToHexString(key)} is not what was put");
        }
    }
}
