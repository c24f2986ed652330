namespace Presence.Core.State;

/// <summary>
/// Values of a store that were written or read lately, bounded in bytes: two generations, of which the older one goes
/// when the younger one is full. What is used again moves to the younger one. Not thread-safe.
/// </summary>
public sealed class StateCache(ByteChunks memory, int bytesMax)
{
    private ByteMap _young = new(memory);
    private ByteMap _old = new(memory);

    /// <summary>Values held.</summary>
    public int Count => _young.Count + _old.Count;

    /// <summary>Bytes of keys and values held; at most the bound and one value.</summary>
    public int Bytes => _young.Bytes + _old.Bytes;

    /// <summary>Questions that it answered.</summary>
    public long Hits { get; private set; }

    /// <summary>Questions that went on to the store.</summary>
    public long Misses { get; private set; }

    /// <summary>Looks a key up; a key that is known to be absent is found as deleted. The span is valid until the next call.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, uint hash, out ReadOnlySpan<byte> value, out bool deleted)
    {
        if (_young.TryGet(key, hash, out value, out deleted))
        {
            Hits++;
            return true;
        }

        if (!_old.TryGet(key, hash, out value, out deleted))
        {
            Misses++;
            return false;
        }

        Hits++;
        if (!deleted)
            Put(key, hash, value);
        return true;
    }

    /// <summary>What the store holds of a key, now or after the batch that is being written.</summary>
    public void Put(ReadOnlySpan<byte> key, uint hash, ReadOnlySpan<byte> value)
    {
        _young.Put(key, hash, value);
        Bound();
    }

    /// <summary>The store does not hold the key, now or after the batch that is being written.</summary>
    public void Delete(ReadOnlySpan<byte> key, uint hash)
    {
        _young.Delete(key, hash);
        Bound();
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _young.Clear();
        _old.Clear();
    }

    private void Bound()
    {
        if (_young.Bytes < bytesMax / 2)
            return;
        // A value that was just found in the old generation can still be read: clearing leaves the bytes where they are.
        (_young, _old) = (_old, _young);
        _young.Clear();
    }
}
