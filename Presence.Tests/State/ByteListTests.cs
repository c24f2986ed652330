using Presence.Core.State;

namespace Presence.Tests.State;

/// <summary>A list that shares its memory, against a plain one.</summary>
internal sealed class ByteListTests
{
    [Test]
    public void It_holds_what_was_added_in_its_order([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        ByteChunks memory = new();
        ByteList list = new(memory);
        List<byte[]> model = [];
        for (int i = 0; i < 20_000; i++)
        {
            // Now and then a whole chunk; lengths that leave 0, 1 or 2 bytes of one.
            byte[] item = new byte[random.Next(500) == 0 ? ByteChunks.Size - 2 - random.Next(5) : 1 + random.Next(60)];
            random.NextBytes(item);
            list.Add(item);
            model.Add(item);
            if (random.Next(3_000) == 0)
            {
                AssertSame(list, model);
                list.Clear();
                model.Clear();
            }
        }

        AssertSame(list, model);
    }

    [Test]
    public void What_has_no_length_or_more_than_a_chunk_is_refused()
    {
        ByteList list = new(new ByteChunks());
        Assert.That(() => list.Add([]), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => list.Add(new byte[ByteChunks.Size - 1]), Throws.TypeOf<ArgumentOutOfRangeException>());
        AssertSame(list, []);
    }

    private static void AssertSame(ByteList list, List<byte[]> model)
    {
        int index = 0;
        for (int position = 0; list.TryNext(ref position, out ReadOnlySpan<byte> item); index++)
        {
            if (!item.SequenceEqual(model[index]))
                Assert.Fail($"item {index} is not what was added");
        }

        Assert.That(index, Is.EqualTo(model.Count));
        Assert.That(list.Bytes, Is.EqualTo(model.Sum(m => m.Length + sizeof(ushort))));
    }
}
