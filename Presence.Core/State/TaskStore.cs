using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// The state of one task as its stage sees it, in layers: what the open transaction has changed; what is committed and
/// not yet on disk; what was on disk when last looked at (a cache); the disk.
/// Invariants: nothing uncommitted ever reaches the disk; what reaches it is all of a row of committed transactions,
/// with the changelog offset that follows the last of them, in one batch. So a crash loses nothing: takeover replays
/// from that offset. What is committed waits for its turn, once in <see cref="StoreBounds.WriteInterval"/>, or
/// for <see cref="StoreBounds.UnwrittenBytesMax"/>: a key that changes often, or that comes and goes, costs the disk little.
/// </summary>
public sealed class TaskStore : IDisposable
{
    private readonly IStateStore _store;
    private readonly TimerOf _timerOf;
    private readonly StoreBounds _bounds;
    private readonly TimerQueue _timers;
    private readonly ByteMap _dirty;
    private readonly ByteMap _dirtyTimers;
    private readonly ByteMap _unwritten;
    private readonly ByteMap _unwrittenTimers;
    private readonly StateCache _cache;
    private readonly byte[] _local;
    private byte[] _meta = [];
    private bool _isUnwritten;
    private byte[] _keyBuffer = new byte[512];
    private byte[] _timerBuffer = new byte[512];
    private byte[] _valueBuffer = new byte[1024];
    private byte[] _dueKey = new byte[256];
    private byte[] _dueValue = new byte[1024];

    // The last key that no layer had, not even the disk: to put it need not look again.
    private byte[] _absent = new byte[256];
    private int _absentLength;

    /// <summary>Over an opened and restored store.</summary>
    /// <param name="store">Owned from now on.</param>
    /// <param name="timerOf">Reads the timer out of a state value.</param>
    /// <param name="local">How far the store is.</param>
    /// <param name="bounds">Of what it keeps in memory.</param>
    public TaskStore(IStateStore store, TimerOf timerOf, LocalRecord local, StoreBounds bounds)
    {
        _store = store;
        _timerOf = timerOf;
        _bounds = bounds;
        _timers = new TimerQueue(store, bounds.TimersMax);
        ByteChunks memory = new();
        _dirty = new ByteMap(memory);
        _dirtyTimers = new ByteMap(memory);
        _unwritten = new ByteMap(memory);
        _unwrittenTimers = new ByteMap(memory);
        _cache = new StateCache(memory, bounds.CacheBytesMax);
        _local = local.ToBytes();
        ChangelogOffset = WrittenOffset = local.ChangelogOffset;
    }

    /// <summary>Next changelog offset this state would apply.</summary>
    public long ChangelogOffset { get; private set; }

    /// <summary>Next changelog offset that the copy on disk would apply.</summary>
    public long WrittenOffset { get; private set; }

    /// <summary>Keys changed by the open transaction.</summary>
    public int DirtyCount => _dirty.Count;

    /// <summary>Bytes held by the open transaction's changes.</summary>
    public int DirtyBytes => _dirty.Bytes + _dirtyTimers.Bytes;

    /// <summary>Timers held in memory.</summary>
    public int TimersInMemory => _timers.Count;

    /// <summary>Figures of the engine, and of what is kept in memory before it.</summary>
    public StoreFigures Figures => _store.Figures with { UnwrittenBytes = _unwritten.Bytes + _unwrittenTimers.Bytes, CacheEntries = _cache.Count, CacheBytes = _cache.Bytes, CacheHits = _cache.Hits, CacheMisses = _cache.Misses };

    /// <summary>Reads a state value; the span is valid until the next call.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> stateKey = StateKey(key);
        return TryGetPrefixed(stateKey, ByteMap.Hash(stateKey), out value);
    }

    /// <summary>Writes a state value and its timer.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> stateKey = StateKey(key);
        uint hash = ByteMap.Hash(stateKey);
        bool isNew = IsKnownAbsent(stateKey);
        long time = _timerOf(value);
        if (time != StageDefinition.NoTimer)
        {
            ReadOnlySpan<byte> old = default;
            bool had = !isNew && TryGetPrefixed(stateKey, hash, out old);
            isNew |= IsKnownAbsent(stateKey);
            if (!had || _timerOf(old) != time)
            {
                ReadOnlySpan<byte> timer = TimerKey(time, key);
                _timers.Add(timer);
                // As if it were new to the disk: one that is gone before it is written need not be deleted there. Should
                // it be there from before, whoever loads it finds that it does not stand any more.
                _dirtyTimers.Put(timer, default, isNew: true);
            }
        }

        _dirty.Put(stateKey, hash, value, isNew);
        _absentLength = 0;
    }

    /// <summary>Removes a key; its timer goes when it is due.</summary>
    public void Delete(ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte> stateKey = StateKey(key);
        _dirty.Delete(stateKey, IsKnownAbsent(stateKey));
    }

    /// <summary>
    /// Takes the earliest timer due at <paramref name="clock"/>. Timers whose key has another one by now are dropped on
    /// the way. The spans are valid until the next call of this method.
    /// </summary>
    public bool TryTakeDue(long clock, out long time, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        while (TryPeekDue(clock, out time, out ReadOnlySpan<byte> due))
        {
            int keyLength = Copy(due, ref _dueKey);
            _timers.Pop();
            key = _dueKey.AsSpan(0, keyLength);
            _dirtyTimers.Delete(TimerKey(time, key));
            if (TryGet(key, out ReadOnlySpan<byte> current) && _timerOf(current) == time)
            {
                int valueLength = Copy(current, ref _dueValue);
                value = _dueValue.AsSpan(0, valueLength);
                return true;
            }
        }

        key = value = default;
        return false;
    }

    /// <summary>Whether a timer is due; may say yes for one that its key has replaced, or that was not looked for yet.</summary>
    public bool HasDue(long clock) => _timers.TryPeekDue(clock, out _, out _, out bool isLoading) || isLoading;

    /// <summary>Throws unless the key's timer differs from the one that has just fired at <paramref name="time"/>.</summary>
    public void AssertMoved(ReadOnlySpan<byte> key, long time)
    {
        if (TryGet(key, out ReadOnlySpan<byte> value) && _timerOf(value) == time)
            throw new InvalidOperationException($"The stage left a timer in place that has fired at {time}: it would fire for ever.");
    }

    /// <summary>The changed key at an index (0 to <see cref="DirtyCount"/> - 1), as the changelog has it.</summary>
    public ReadOnlySpan<byte> DirtyKey(int index) => _dirty.KeyAt(index);

    /// <summary>The changed value at an index; meaningless for a deleted one.</summary>
    public ReadOnlySpan<byte> DirtyValue(int index) => _dirty.ValueAt(index);

    /// <summary>Whether the key at an index was deleted.</summary>
    public bool IsDirtyDeleted(int index) => _dirty.IsDeletedAt(index);

    /// <summary>
    /// The transaction is committed: its changes, the meta record and the changelog offset belong to the state from now on,
    /// and reach the disk before long. Throws <see cref="StoreException"/>; the store then lacks a committed batch and no
    /// record may be processed on it.
    /// </summary>
    public void Apply(ReadOnlySpan<byte> meta, long changelogOffset, long now)
    {
        Move(_dirty, _unwritten);
        Move(_dirtyTimers, _unwrittenTimers);
        if (_meta.Length != meta.Length)
            _meta = new byte[meta.Length];
        meta.CopyTo(_meta);
        LocalRecord.Update(_local, changelogOffset, now);
        ChangelogOffset = changelogOffset;
        _isUnwritten = true;
        if (_bounds.WriteInterval == TimeSpan.Zero || _unwritten.Bytes + _unwrittenTimers.Bytes >= _bounds.UnwrittenBytesMax)
            Write();
    }

    /// <summary>Writes all that is committed to the disk. Throws <see cref="StoreException"/> as <see cref="Apply"/> does.</summary>
    public void Write()
    {
        if (!_isUnwritten)
            return;
        _store.BeginBatch();
        for (int i = 0; i < _unwritten.Count; i++)
        {
            if (!_unwritten.IsDeletedAt(i))
                _store.Put(_unwritten.KeyAt(i), _unwritten.ValueAt(i));
            else if (!_unwritten.IsNewAt(i))
                _store.Delete(_unwritten.KeyAt(i));
        }

        for (int i = 0; i < _unwrittenTimers.Count; i++)
        {
            if (!_unwrittenTimers.IsDeletedAt(i))
                _store.Put(_unwrittenTimers.KeyAt(i), default);
            else if (!_unwrittenTimers.IsNewAt(i))
                _store.Delete(_unwrittenTimers.KeyAt(i));
        }

        _store.Put(StoreKeys.Meta, _meta);
        _store.Put(StoreKeys.Local, _local);
        _store.WriteBatch();
        WrittenOffset = ChangelogOffset;
        _isUnwritten = false;
        for (int i = 0; i < _unwritten.Count; i++)
        {
            if (_unwritten.IsDeletedAt(i))
                _cache.Delete(_unwritten.KeyAt(i), _unwritten.HashAt(i));
            else
                _cache.Put(_unwritten.KeyAt(i), _unwritten.HashAt(i), _unwritten.ValueAt(i));
        }

        _unwritten.Clear();
        _unwrittenTimers.Clear();
    }

    /// <summary>The transaction is aborted: drops its changes.</summary>
    public void Abandon()
    {
        _dirty.Clear();
        _dirtyTimers.Clear();
        _absentLength = 0;
        _timers.Reset();
    }

    /// <summary>Closes it; what is not on disk yet is replayed by whoever opens it next.</summary>
    public void Dispose() => _store.Dispose();

    private bool TryPeekDue(long clock, out long time, out ReadOnlySpan<byte> key)
    {
        while (!_timers.TryPeekDue(clock, out time, out key, out bool isLoading))
        {
            if (!isLoading)
                return false;
            // It reads the committed ones from the disk; those of the open transaction are nowhere else than here.
            Write();
            _timers.Load(_dirtyTimers);
        }

        return true;
    }

    private static void Move(ByteMap from, ByteMap to)
    {
        for (int i = 0; i < from.Count; i++)
        {
            if (from.IsDeletedAt(i))
                to.Delete(from.KeyAt(i), from.HashAt(i), from.IsNewAt(i));
            else
                to.Put(from.KeyAt(i), from.HashAt(i), from.ValueAt(i), from.IsNewAt(i));
        }

        from.Clear();
    }

    private bool IsKnownAbsent(ReadOnlySpan<byte> stateKey) =>
        _absentLength > 0 && stateKey.SequenceEqual(_absent.AsSpan(0, _absentLength));

    private bool TryGetPrefixed(ReadOnlySpan<byte> stateKey, uint hash, out ReadOnlySpan<byte> value)
    {
        if (_dirty.TryGet(stateKey, hash, out value, out bool deleted)
            || _unwritten.TryGet(stateKey, hash, out value, out deleted)
            || _cache.TryGet(stateKey, hash, out value, out deleted))
        {
            return !deleted;
        }

        int length = _store.TryGet(stateKey, ref _valueBuffer);
        if (length < 0)
        {
            _absentLength = Copy(stateKey, ref _absent);
            value = default;
            return false;
        }

        value = _valueBuffer.AsSpan(0, length);
        _cache.Put(stateKey, hash, value);
        return true;
    }

    private ReadOnlySpan<byte> StateKey(ReadOnlySpan<byte> key)
    {
        if (_keyBuffer.Length < key.Length + StoreKeys.StateHeader)
            _keyBuffer = new byte[(key.Length + StoreKeys.StateHeader) * 2];
        return _keyBuffer.AsSpan(0, StoreKeys.WriteState(_keyBuffer, key));
    }

    private ReadOnlySpan<byte> TimerKey(long time, ReadOnlySpan<byte> key)
    {
        if (_timerBuffer.Length < key.Length + StoreKeys.TimerHeader)
            _timerBuffer = new byte[(key.Length + StoreKeys.TimerHeader) * 2];
        return _timerBuffer.AsSpan(0, StoreKeys.WriteTimer(_timerBuffer, time, key));
    }

    private static int Copy(ReadOnlySpan<byte> source, ref byte[] destination)
    {
        if (destination.Length < source.Length)
            destination = new byte[source.Length * 2];
        source.CopyTo(destination);
        return source.Length;
    }
}
