using System.Numerics;

namespace Presence.Core.State;

/// <summary>
/// A map from bytes to bytes (or to 'deleted') that owns its memory: open addressing over entries, keys and values in
/// one arena. Nothing is allocated once it has grown to the size of its largest use. Entries keep the order of first
/// insertion. Not thread-safe.
/// </summary>
public sealed class ByteMap
{
    private const int Empty = -1;

    private struct Entry
    {
        public ulong Hash;
        public int KeyStart;
        public int KeyLength;
        public int ValueStart;

        /// <summary>-1: deleted.</summary>
        public int ValueLength;
        public int ValueCapacity;

        /// <summary>Nothing lies below: what this map overlays had no such key when it was first put here.</summary>
        public bool IsNew;
    }

    private Entry[] _entries = new Entry[256];
    private int[] _buckets = NewBuckets(512);
    private byte[] _arena = new byte[16 * 1024];
    private int _arenaUsed;

    /// <summary>Number of keys, deleted ones included.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of keys and values held.</summary>
    public int Bytes => _arenaUsed;

    /// <summary>Looks a key up. False: nothing is known of it here.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value, out bool deleted) => TryGet(key, Hash(key), out value, out deleted);

    /// <summary>The same with the key's <see cref="Hash"/>, for who asks several maps.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, ulong hash, out ReadOnlySpan<byte> value, out bool deleted)
    {
        int index = _buckets[Find(key, hash)];
        if (index == Empty)
        {
            value = default;
            deleted = false;
            return false;
        }

        ref Entry entry = ref _entries[index];
        deleted = entry.ValueLength < 0;
        value = deleted ? default : _arena.AsSpan(entry.ValueStart, entry.ValueLength);
        return true;
    }

    /// <summary>
    /// Puts a value. It must not be a span that this map returned. <paramref name="isNew"/>: what this map overlays has no
    /// such key; counts with the key's first entry.
    /// </summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isNew = false)
    {
        ref Entry entry = ref Upsert(key, Hash(key), isNew);
        if (value.Length > entry.ValueCapacity)
        {
            entry.ValueStart = Reserve(value.Length);
            entry.ValueCapacity = value.Length;
        }

        value.CopyTo(_arena.AsSpan(entry.ValueStart));
        entry.ValueLength = value.Length;
    }

    /// <summary>Notes that a key is deleted.</summary>
    public void Delete(ReadOnlySpan<byte> key, bool isNew = false) => Upsert(key, Hash(key), isNew).ValueLength = -1;

    /// <summary>The key at an index, 0 to Count - 1, in the order of first insertion.</summary>
    public ReadOnlySpan<byte> KeyAt(int index) => _arena.AsSpan(_entries[index].KeyStart, _entries[index].KeyLength);

    /// <summary>The value at an index; empty for a deleted one.</summary>
    public ReadOnlySpan<byte> ValueAt(int index) =>
        _entries[index].ValueLength < 0 ? default : _arena.AsSpan(_entries[index].ValueStart, _entries[index].ValueLength);

    /// <summary>Whether the key at an index is deleted.</summary>
    public bool IsDeletedAt(int index) => _entries[index].ValueLength < 0;

    /// <summary>Whether what this map overlays had no such key.</summary>
    public bool IsNewAt(int index) => _entries[index].IsNew;

    /// <summary>Forgets everything; keeps the memory.</summary>
    public void Clear()
    {
        if (Count == 0)
            return;
        Array.Fill(_buckets, Empty);
        Count = 0;
        _arenaUsed = 0;
    }

    private ref Entry Upsert(ReadOnlySpan<byte> key, ulong hash, bool isNew)
    {
        int bucket = Find(key, hash);
        int index = _buckets[bucket];
        if (index != Empty)
            return ref _entries[index];

        if (Count == _entries.Length)
        {
            Grow();
            bucket = Find(key, hash);
        }

        index = Count++;
        _buckets[bucket] = index;
        int start = Reserve(key.Length);
        key.CopyTo(_arena.AsSpan(start));
        ref Entry entry = ref _entries[index];
        entry = new Entry { Hash = hash, KeyStart = start, KeyLength = key.Length, ValueLength = -1, IsNew = isNew };
        return ref entry;
    }

    private int Find(ReadOnlySpan<byte> key, ulong hash)
    {
        int mask = _buckets.Length - 1;
        int bucket = (int)hash & mask;
        while (true)
        {
            int index = _buckets[bucket];
            if (index == Empty)
                return bucket;
            ref Entry entry = ref _entries[index];
            if (entry.Hash == hash && key.SequenceEqual(_arena.AsSpan(entry.KeyStart, entry.KeyLength)))
                return bucket;
            bucket = (bucket + 1) & mask;
        }
    }

    private void Grow()
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _buckets = NewBuckets(_entries.Length * 2);
        int mask = _buckets.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            int bucket = (int)_entries[i].Hash & mask;
            while (_buckets[bucket] != Empty)
                bucket = (bucket + 1) & mask;
            _buckets[bucket] = i;
        }
    }

    private int Reserve(int bytes)
    {
        int start = _arenaUsed;
        int needed = checked(start + bytes);
        if (needed > _arena.Length)
            Array.Resize(ref _arena, (int)Math.Min(Array.MaxLength, Math.Max(needed, _arena.Length * 2L)));
        _arenaUsed = needed;
        return start;
    }

    /// <summary>Multiply-and-rotate over 8-byte words: keys are short and not chosen by an adversary who could see the result.</summary>
    public static ulong Hash(ReadOnlySpan<byte> key)
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
        return h ^ (h >> 32);
    }

    private static int[] NewBuckets(int count)
    {
        int[] buckets = new int[count];
        Array.Fill(buckets, Empty);
        return buckets;
    }
}
