using Presence.Core.State;

namespace Presence.Tests.Stages;

/// <summary>A store in memory: batches are atomic, and it can be told to fail.</summary>
internal sealed class MemoryStore : IStateStore
{
    private sealed class Bytes : IComparer<byte[]>
    {
        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }

    private List<(byte[] Key, byte[]? Value)> _batch = [];
    private List<(byte[] Key, byte[]? Value)>? _writing;
    private bool _failed;

    public SortedDictionary<byte[], byte[]> Entries { get; } = new(new Bytes());

    /// <summary>Every key that a batch has put or deleted.</summary>
    public List<byte[]> Touched { get; } = [];

    public bool FailWrites { get; set; }

    /// <summary>Begun.</summary>
    public int Writes { get; private set; }

    /// <summary>How often a write was waited for that took its time.</summary>
    public int Waits { get; private set; }

    /// <summary>Writes take their time, as it says; null: they are done at once.</summary>
    public Random? Slow { get; set; }

    public bool HasBegunToWrite => true;

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

    public void BeginBatch() => _batch = [];

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _batch.Add((key.ToArray(), value.ToArray()));

    public void Delete(ReadOnlySpan<byte> key) => _batch.Add((key.ToArray(), null));

    public void WriteBatch()
    {
        BeginWrite();
        EndWrite(wait: true);
    }

    public void BeginWrite(bool asFile = false)
    {
        ThrowIfFailed();
        Assert.That(_writing, Is.Null, "one write at a time");
        (_batch, _writing) = ([], _batch);
        Writes++;
    }

    public bool EndWrite(bool wait)
    {
        if (_writing is null)
            return true;
        if (!wait && Slow?.Next(3) > 0)
            return false;
        Waits += wait && Slow is not null ? 1 : 0;
        _failed |= FailWrites;
        ThrowIfFailed();
        foreach ((byte[] key, byte[]? value) in _writing)
        {
            Touched.Add(key);
            if (value is null)
                Entries.Remove(key);
            else
                Entries[key] = value;
        }

        _writing = null;
        return true;
    }

    /// <summary>Its process is killed: what is on its way is written or not, as <see cref="Slow"/> says.</summary>
    public void Kill()
    {
        if (Slow?.Next(2) == 0)
            EndWrite(wait: true);
        _writing = null;
    }

    private void ThrowIfFailed()
    {
        if (_failed)
            throw new StoreException("No space left on device", isCorruption: false);
    }

    public void Dispose()
    {
        // Its entries live as long as the test.
    }
}
