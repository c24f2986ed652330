using System.Numerics;

namespace Presence.Core.State;

/// <summary>
/// A map from bytes to bytes (or to 'deleted') that owns its memory: open addressing over entries, keys and values in
/// chunks that it shares with the task's other maps. Nothing is allocated once those have grown to their largest use.
/// Entries keep the order of first insertion. Not thread-safe.
/// </summary>
public sealed class ByteMap(ByteChunks memory)
{
    // Entries lie in arrays of so many: they grow without being copied.
    private const int EntryBits = 9;
    private const int EntriesEach = 1 << EntryBits;

    private struct Entry
    {
        public uint Hash;
        public int KeyStart;
        public int KeyLength;
        public int ValueStart;

        /// <summary>-1: deleted.</summary>
        public int ValueLength;
        public int ValueCapacity;

        /// <summary>Nothing lies below: what this map overlays had no such key when it was first put here.</summary>
        public bool IsNew;

        public bool IsMarked;
    }

    private Entry[][] _entries = [new Entry[EntriesEach]];
    private int _entriesMax = EntriesEach;

    // The hash in the upper half, the entry's index + 1 in the lower: a search looks at an entry only where the hash is
    // its key's. 0: empty.
    private ulong[] _buckets = new ulong[EntriesEach * 2];

    // An address is the chunk's index and, in the lower half, the place in it.
    private byte[][] _chunks = new byte[8][];
    private int _chunkCount;
    private int _chunkUsed = ByteChunks.Size;

    /// <summary>Number of keys, deleted ones included.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of keys and values held.</summary>
    public int Bytes { get; private set; }

    /// <summary>Looks a key up. False: nothing is known of it here.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value, out bool deleted) => TryGet(key, Hash(key), out value, out deleted);

    /// <summary>The same with the key's <see cref="Hash"/>, for who asks several maps.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, uint hash, out ReadOnlySpan<byte> value, out bool deleted)
    {
        ulong found = _buckets[Find(key, hash)];
        if (found == 0)
        {
            value = default;
            deleted = false;
            return false;
        }

        ref Entry entry = ref EntryAt(IndexIn(found));
        deleted = entry.ValueLength < 0;
        value = deleted ? default : At(entry.ValueStart, entry.ValueLength);
        return true;
    }

    /// <summary>
    /// Puts a value. It must not be a span that this map returned. <paramref name="isNew"/>: what this map overlays has no
    /// such key; counts with the key's first entry. <paramref name="marks"/>: marks the key, whose mark stays.
    /// </summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isNew = false, bool marks = false) => Put(key, Hash(key), value, isNew, marks);

    /// <summary>The same with the key's <see cref="Hash"/>.</summary>
    public void Put(ReadOnlySpan<byte> key, uint hash, ReadOnlySpan<byte> value, bool isNew = false, bool marks = false)
    {
        ref Entry entry = ref Upsert(key, hash, isNew);
        entry.IsMarked |= marks;
        if (value.Length > entry.ValueCapacity)
        {
            entry.ValueStart = Reserve(value.Length);
            entry.ValueCapacity = value.Length;
        }

        value.CopyTo(At(entry.ValueStart, value.Length));
        entry.ValueLength = value.Length;
    }

    /// <summary>Notes that a key is deleted.</summary>
    public void Delete(ReadOnlySpan<byte> key, bool isNew = false) => Delete(key, Hash(key), isNew);

    /// <summary>The same with the key's <see cref="Hash"/>.</summary>
    public void Delete(ReadOnlySpan<byte> key, uint hash, bool isNew = false) => Upsert(key, hash, isNew).ValueLength = -1;

    /// <summary>The key at an index, 0 to Count - 1, in the order of first insertion.</summary>
    public ReadOnlySpan<byte> KeyAt(int index) => At(EntryAt(index).KeyStart, EntryAt(index).KeyLength);

    /// <summary>The key's <see cref="Hash"/>.</summary>
    public uint HashAt(int index) => EntryAt(index).Hash;

    /// <summary>The value at an index; empty for a deleted one.</summary>
    public ReadOnlySpan<byte> ValueAt(int index)
    {
        ref Entry entry = ref EntryAt(index);
        return entry.ValueLength < 0 ? default : At(entry.ValueStart, entry.ValueLength);
    }

    /// <summary>Whether the key at an index is deleted.</summary>
    public bool IsDeletedAt(int index) => EntryAt(index).ValueLength < 0;

    /// <summary>Whether what this map overlays had no such key.</summary>
    public bool IsNewAt(int index) => EntryAt(index).IsNew;

    /// <summary>Whether the key at an index was marked.</summary>
    public bool IsMarkedAt(int index) => EntryAt(index).IsMarked;

    /// <summary>Forgets everything, and gives the memory to whichever of the task's maps needs it next: until then spans stay as they are.</summary>
    public void Clear()
    {
        if (Count == 0)
            return;
        Array.Clear(_buckets);
        for (int i = 0; i < _chunkCount; i++)
        {
            memory.Return(_chunks[i]);
            _chunks[i] = null!;
        }

        _chunkCount = 0;
        _chunkUsed = ByteChunks.Size;
        Count = Bytes = 0;
    }

    private ref Entry EntryAt(int index) => ref _entries[index >> EntryBits][index & (EntriesEach - 1)];

    private Span<byte> At(int address, int length) => length == 0 ? default : _chunks[address >> 16].AsSpan(address & (ByteChunks.Size - 1), length);

    private ref Entry Upsert(ReadOnlySpan<byte> key, uint hash, bool isNew)
    {
        int bucket = Find(key, hash);
        if (_buckets[bucket] is var found and not 0)
            return ref EntryAt(IndexIn(found));

        if (Count == _entriesMax)
        {
            Grow();
            bucket = Find(key, hash);
        }

        int index = Count++;
        _buckets[bucket] = BucketOf(hash, index);
        int start = Reserve(key.Length);
        key.CopyTo(At(start, key.Length));
        ref Entry entry = ref EntryAt(index);
        entry = new Entry { Hash = hash, KeyStart = start, KeyLength = key.Length, ValueLength = -1, IsNew = isNew };
        return ref entry;
    }

    private int Find(ReadOnlySpan<byte> key, uint hash)
    {
        int mask = _buckets.Length - 1;
        int bucket = (int)hash & mask;
        while (true)
        {
            ulong found = _buckets[bucket];
            if (found == 0)
                return bucket;
            if ((uint)(found >> 32) == hash)
            {
                ref Entry entry = ref EntryAt(IndexIn(found));
                if (key.SequenceEqual(At(entry.KeyStart, entry.KeyLength)))
                    return bucket;
            }

            bucket = (bucket + 1) & mask;
        }
    }

    private void Grow()
    {
        int arrays = _entriesMax / EntriesEach;
        if (arrays == _entries.Length)
            Array.Resize(ref _entries, arrays * 2);
        _entries[arrays] = new Entry[EntriesEach];
        _entriesMax += EntriesEach;
        if (_buckets.Length >= _entriesMax + (_entriesMax / 2))
            return;
        _buckets = new ulong[_buckets.Length * 2];
        int mask = _buckets.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            uint hash = EntryAt(i).Hash;
            int bucket = (int)hash & mask;
            while (_buckets[bucket] != 0)
                bucket = (bucket + 1) & mask;
            _buckets[bucket] = BucketOf(hash, i);
        }
    }

    private int Reserve(int bytes)
    {
        if (bytes > ByteChunks.Size - _chunkUsed)
        {
            if (_chunkCount == _chunks.Length)
                Array.Resize(ref _chunks, _chunkCount * 2);
            _chunks[_chunkCount++] = bytes <= ByteChunks.Size ? memory.Take() : new byte[bytes];
            _chunkUsed = 0;
        }

        int start = checked(((_chunkCount - 1) * ByteChunks.Size) + _chunkUsed);
        // Behind a value that has a chunk for itself nothing else fits.
        _chunkUsed = Math.Min(ByteChunks.Size, _chunkUsed + bytes);
        Bytes = checked(Bytes + bytes);
        return start;
    }

    /// <summary>Multiply-and-rotate over 8-byte words: keys are short and not chosen by an adversary who could see the result.</summary>
    public static uint Hash(ReadOnlySpan<byte> key)
    {
        ulong h = (ulong)key.Length * 0x9E3779B97F4A7C15;
        while (key.Length >= 8)
        {
            h = BitOperations.RotateLeft((h ^ BitConverter.ToUInt64(key)) * 0xD6E8FEB86659FD93, 29);
            key = key[8..];
        }

        ulong tail = 0;
        for (int i = 0; i < key.Length; i++)
            tail |= (ulong)key[i] << (8 * i);
        h = (h ^ tail) * 0x9E3779B97F4A7C15;
        return (uint)(h ^ (h >> 32));
    }

    private static ulong BucketOf(uint hash, int index) => ((ulong)hash << 32) | (uint)(index + 1);

    private static int IndexIn(ulong bucket) => (int)(uint)bucket - 1;
}
