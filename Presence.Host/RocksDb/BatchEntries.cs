using System.Runtime.InteropServices;

namespace Presence.Host.RocksDb;

/// <summary>
/// The entries of a batch, in memory of their own, which the collector does not see. Filled by one thread, then sorted and
/// read by another one. Allocates nothing managed but while it grows.
/// </summary>
internal sealed unsafe class BatchEntries : IDisposable
{
    // Key and value are behind their lengths.
    private const int HeaderBytes = 2 * sizeof(int);
    private const int Deleted = -1;

    // Chunks grow: most batches are small, and there may be hundreds of them.
    private const int ChunkBytesMin = 4 * 1024;
    private const int ChunkDoublingsMax = 6;

    private struct Chunk
    {
        public byte* Start;
        public int Length;
        public int Used;
    }

    private readonly List<Chunk> _chunks = [];

    // The chunk that is being filled; those behind it are empty.
    private int _filling;
    private BatchEntry* _sorted;

    /// <summary>Entries, those of one key each for itself.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of keys and values.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of memory it has, but for what sorting takes.</summary>
    public long HeldBytes => _chunks.Sum(c => (long)c.Length);

    /// <summary>Adds a put.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Add(key, value, value.Length);

    /// <summary>Adds a delete.</summary>
    public void Delete(ReadOnlySpan<byte> key) => Add(key, default, Deleted);

    /// <summary>In the order of their keys, of each key the last one. Valid until the next call.</summary>
    public ReadOnlySpan<BatchEntry> Sort()
    {
        FreeSorted();
        _sorted = (BatchEntry*)NativeMemory.Alloc((nuint)Count, (nuint)sizeof(BatchEntry));
        Span<BatchEntry> all = new(_sorted, Count);
        int count = 0;
        foreach (Chunk chunk in _chunks)
        {
            for (int at = 0; at < chunk.Used; count++)
            {
                int* lengths = (int*)(chunk.Start + at);
                all[count] = new BatchEntry((nint)(chunk.Start + at + HeaderBytes), lengths[0], lengths[1], count);
                at += SizeOf(lengths[0], Math.Max(0, lengths[1]));
            }
        }

        BatchEntry.Sort(all);
        int kept = 0;
        for (int i = 0; i < all.Length; i++)
        {
            if (i + 1 == all.Length || !all[i].Key.SequenceEqual(all[i + 1].Key))
                all[kept++] = all[i];
        }

        return all[..kept];
    }

    /// <summary>Empties it; keeps the memory of so many bytes.</summary>
    public void Clear(int keptBytes)
    {
        FreeSorted();
        for (int i = 0; i < _chunks.Count; i++)
        {
            keptBytes -= _chunks[i].Length;
            if (keptBytes < 0)
            {
                for (int freed = i; freed < _chunks.Count; freed++)
                    NativeMemory.Free(_chunks[freed].Start);
                _chunks.RemoveRange(i, _chunks.Count - i);
                break;
            }

            CollectionsMarshal.AsSpan(_chunks)[i].Used = 0;
        }

        (_filling, Count, Bytes) = (0, 0, 0);
    }

    /// <inheritdoc/>
    public void Dispose() => Clear(keptBytes: -1);

    // Headers lie at multiples of their size.
    private static int SizeOf(int keyLength, int valueLength) => checked(HeaderBytes + keyLength + valueLength + HeaderBytes - 1) & -HeaderBytes;

    private void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int valueLength)
    {
        int size = SizeOf(key.Length, value.Length);
        ref Chunk chunk = ref ChunkFor(size);
        byte* at = chunk.Start + chunk.Used;
        ((int*)at)[0] = key.Length;
        ((int*)at)[1] = valueLength;
        key.CopyTo(new Span<byte>(at + HeaderBytes, key.Length));
        value.CopyTo(new Span<byte>(at + HeaderBytes + key.Length, value.Length));
        chunk.Used += size;
        Count++;
        Bytes += key.Length + value.Length;
    }

    private ref Chunk ChunkFor(int size)
    {
        while (_filling < _chunks.Count && _chunks[_filling].Length - _chunks[_filling].Used < size)
            _filling++;
        if (_filling == _chunks.Count)
        {
            int length = Math.Max(size, ChunkBytesMin << Math.Min(_filling, ChunkDoublingsMax));
            _chunks.Add(new Chunk { Start = (byte*)NativeMemory.Alloc((nuint)length), Length = length });
        }

        return ref CollectionsMarshal.AsSpan(_chunks)[_filling];
    }

    private void FreeSorted()
    {
        NativeMemory.Free(_sorted);
        _sorted = null;
    }
}
