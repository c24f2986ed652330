using Presence.Core.State;

namespace Presence.Tests.Stages;

/// <summary>A store in memory: batches are atomic, and it can be told to fail.</summary>
internal sealed class MemoryStore : IStateStore
{
    private sealed class Bytes : IComparer<byte[]>
    {
        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }

    private readonly List<(byte[] Key, byte[]? Value)> _batch = [];

    public SortedDictionary<byte[], byte[]> Entries { get; } = new(new Bytes());

    /// <summary>Every key that a batch has put or deleted.</summary>
    public List<byte[]> Touched { get; } = [];

    public bool FailWrites { get; set; }

    public StoreFigures Figures => new(0, 0, Entries.Count);

    public int TryGet(ReadOnlySpan<byte> key, ref byte[] destination)
    {
        if (!Entries.TryGetValue(key.ToArray(), out byte[]? value))
            return -1;
        if (destination.Length < value.Length)
            destination = new byte[value.Length];
        value.CopyTo(destination, 0);
        return value.Length;
    }

    public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, StoreVisitor visitor)
    {
        byte[] first = from.ToArray(), end = to.ToArray();
        foreach ((byte[] key, byte[] value) in Entries.Where(e => e.Key.AsSpan().SequenceCompareTo(first) >= 0 && e.Key.AsSpan().SequenceCompareTo(end) < 0).ToList())
        {
            if (!visitor(key, value))
                return;
        }
    }

    public void BeginBatch() => _batch.Clear();

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _batch.Add((key.ToArray(), value.ToArray()));

    public void Delete(ReadOnlySpan<byte> key) => _batch.Add((key.ToArray(), null));

    public void WriteBatch(bool asFile = false)
    {
        if (FailWrites)
            throw new StoreException("No space left on device", isCorruption: false);
        foreach ((byte[] key, byte[]? value) in _batch)
        {
            Touched.Add(key);
            if (value is null)
                Entries.Remove(key);
            else
                Entries[key] = value;
        }
    }

    public void Dispose()
    {
        // Its entries live as long as the test.
    }
}
