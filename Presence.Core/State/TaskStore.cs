using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// The state of one task as its stage sees it, in layers: what the open transaction has changed; what the one on its way
/// has (sealed: it may still be aborted, and the open one with it); what is committed and not yet on disk; what is on its
/// way there; what was on disk when last looked at (a cache); the disk.
/// Invariants: nothing uncommitted ever reaches the disk; what reaches it is all of a row of committed transactions,
/// with the changelog offset that follows the last of them, in one batch. So a crash loses nothing: takeover replays
/// from that offset. What is committed waits for its turn, once in <see cref="StoreBounds.WriteInterval"/>, or
/// for <see cref="StoreBounds.UnwrittenBytesMax"/>: a key that changes often, or that comes and goes, costs the disk little.
/// The timers on disk follow from the values written. One that its key has replaced stays there until it is due, and is
/// known by that.
/// </summary>
public sealed class TaskStore : IDisposable
{
    private const int DropsMax = 1_000;

    private readonly IStateStore _store;
    private readonly TimerOf _timerOf;
    private readonly StoreBounds _bounds;
    private readonly TimerQueue _timers;
    private ByteMap _dirty;
    private ByteMap _sealed;
    private ByteMap _unwritten;
    private ByteMap _writing;

    // Timers that were due and may be on disk; and those that the next write would bring there after all, as it writes what
    // is committed, and there they still stand.
    private ByteList _dirtyPast;
    private ByteList _sealedPast;
    private readonly ByteList _unwrittenPast;
    private ByteList _dirtyFresh;
    private ByteList _sealedFresh;
    private readonly StateCache _cache;
    private readonly byte[] _local;
    private byte[] _meta = [];
    private bool _isUnwritten;
    private bool _isWriting;
    private long _writingOffset;
    private byte[] _keyBuffer = new byte[512];
    private byte[] _timerBuffer = new byte[512];
    private byte[] _valueBuffer = new byte[1024];
    private byte[] _dueKey = new byte[256];
    private byte[] _dueValue = new byte[1024];

    // The key read or changed last: who writes what he has read need not look for it again.
    private byte[] _last = new byte[256];
    private int _lastLength;
    private uint _lastHash;
    private long _lastTimer;

    // No layer had it, not even the disk.
    private bool _lastIsAbsent;

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
        _sealed = new ByteMap(memory);
        _unwritten = new ByteMap(memory);
        _writing = new ByteMap(memory);
        _dirtyPast = new ByteList(memory);
        _sealedPast = new ByteList(memory);
        _unwrittenPast = new ByteList(memory);
        _dirtyFresh = new ByteList(memory);
        _sealedFresh = new ByteList(memory);
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

    /// <summary>Whether a commit would change anything: keys, or timers on disk that stand no more.</summary>
    public bool IsDirty => _dirty.Count > 0 || _dirtyPast.Bytes > 0;

    /// <summary>Bytes held by what is not committed, the transaction on its way included.</summary>
    public int DirtyBytes => _dirty.Bytes + _dirtyPast.Bytes + _dirtyFresh.Bytes + _sealed.Bytes + _sealedPast.Bytes + _sealedFresh.Bytes;

    /// <summary>Timers held in memory.</summary>
    public int TimersInMemory => _timers.Count;

    /// <summary>Figures of the engine, and of what is kept in memory before it.</summary>
    public StoreFigures Figures => _store.Figures with { UnwrittenBytes = _unwritten.Bytes + _unwrittenPast.Bytes + _writing.Bytes, CacheEntries = _cache.Count, CacheBytes = _cache.Bytes, CacheHits = _cache.Hits, CacheMisses = _cache.Misses };

    /// <summary>Reads a state value; the span is valid until the next call.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => TryRead(StateKey(key), out value);

    /// <summary>Writes a state value and its timer.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> stateKey = StateKey(key);
        long time = _timerOf(value);
        if (!IsLast(stateKey))
        {
            if (time != StageDefinition.NoTimer)
                TryRead(stateKey, out _);
            else
                Remember(stateKey, ByteMap.Hash(stateKey), time, isAbsent: false);
        }

        bool isNewTimer = time != _lastTimer && time != StageDefinition.NoTimer;
        if (isNewTimer)
            _timers.Add(TimerKey(time, key));
        _dirty.Put(stateKey, _lastHash, value, _lastIsAbsent, isNewTimer);
        _lastTimer = time;
        _lastIsAbsent = false;
    }

    /// <summary>Removes a key; its timer goes when it is due.</summary>
    public void Delete(ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte> stateKey = StateKey(key);
        if (!IsLast(stateKey))
            Remember(stateKey, ByteMap.Hash(stateKey), StageDefinition.NoTimer, isAbsent: false);
        _dirty.Delete(stateKey, _lastHash, _lastIsAbsent);
        _lastTimer = StageDefinition.NoTimer;
        _lastIsAbsent = false;
    }

    /// <summary>
    /// Takes the earliest timer due at <paramref name="clock"/>. Timers whose key has another one by now are dropped on
    /// the way, so many in one call that it does not take long: it is false before the last one when <see cref="HasDue"/> is
    /// still true. The spans are valid until the next call of this method.
    /// </summary>
    public bool TryTakeDue(long clock, out long time, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        time = StageDefinition.NoTimer;
        for (int dropped = 0; dropped < DropsMax && TryPeekDue(clock, out time, out ReadOnlySpan<byte> due); dropped++)
        {
            int keyLength = Copy(due, ref _dueKey);
            bool mayBeOnDisk = _timers.Pop();
            key = _dueKey.AsSpan(0, keyLength);
            (mayBeOnDisk ? _dirtyPast : _dirtyFresh).Add(TimerKey(time, key));
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
    public bool HasDue(long clock) => _timers.HasDue(clock);

    /// <summary>Throws unless the key's timer differs from the one that has just fired at <paramref name="time"/>.</summary>
    public void AssertMoved(ReadOnlySpan<byte> key, long time)
    {
        ReadOnlySpan<byte> stateKey = StateKey(key);
        if (!IsLast(stateKey))
            TryRead(stateKey, out _);
        if (_lastTimer == time)
            throw new InvalidOperationException($"The stage left a timer in place that has fired at {time}: it would fire for ever.");
    }

    /// <summary>The changed key at an index (0 to <see cref="DirtyCount"/> - 1), as the changelog has it.</summary>
    public ReadOnlySpan<byte> DirtyKey(int index) => _dirty.KeyAt(index);

    /// <summary>The changed value at an index; meaningless for a deleted one.</summary>
    public ReadOnlySpan<byte> DirtyValue(int index) => _dirty.ValueAt(index);

    /// <summary>Whether the key at an index was deleted.</summary>
    public bool IsDirtyDeleted(int index) => _dirty.IsDeletedAt(index);

    /// <summary>
    /// The transaction goes its way: its changes wait for <see cref="Apply"/> or <see cref="Abandon"/>, and what changes from
    /// now on belongs to the next one.
    /// </summary>
    public void Seal()
    {
        if (_sealed.Count > 0 || _sealedPast.Bytes > 0)
            throw new InvalidOperationException("A transaction is on its way already.");
        (_dirty, _sealed) = (_sealed, _dirty);
        (_dirtyPast, _sealedPast) = (_sealedPast, _dirtyPast);
        (_dirtyFresh, _sealedFresh) = (_sealedFresh, _dirtyFresh);
    }

    /// <summary>
    /// The sealed transaction is committed: its changes, the meta record and the changelog offset belong to the state from
    /// now on, and reach the disk before long. Throws <see cref="StoreException"/>; the store then lacks a committed batch and no
    /// record may be processed on it.
    /// </summary>
    public void Apply(ReadOnlySpan<byte> meta, long changelogOffset, long now)
    {
        MoveSealed();
        if (_meta.Length != meta.Length)
            _meta = new byte[meta.Length];
        meta.CopyTo(_meta);
        LocalRecord.Update(_local, changelogOffset, now);
        ChangelogOffset = changelogOffset;
        _isUnwritten = true;
        if (_bounds.WriteInterval == TimeSpan.Zero)
            Write();
        else if (_unwritten.Bytes + _unwrittenPast.Bytes >= _bounds.UnwrittenBytesMax)
            BeginWrite();
    }

    /// <summary>Writes all that is committed to the disk. Throws <see cref="StoreException"/> as <see cref="Apply"/> does.</summary>
    public void Write()
    {
        if (!TryFillBatch())
            return;
        _store.WriteBatch();
        OnWritten();
    }

    /// <summary>
    /// Begins to write all that is committed; it is done when <see cref="EndWrite"/> says so. One write at a time: waits for
    /// the one before. Throws <see cref="StoreException"/> as <see cref="Apply"/> does.
    /// </summary>
    public void BeginWrite()
    {
        if (TryFillBatch())
            _store.BeginWrite();
    }

    // False: all that is committed is on the disk. Waits for the write before.
    private bool TryFillBatch()
    {
        EndWrite(wait: true);
        if (!_isUnwritten)
            return false;
        _store.BeginBatch();
        // Before what is put: a key may have set again the timer that it had.
        for (int position = 0; _unwrittenPast.TryNext(ref position, out ReadOnlySpan<byte> past);)
            _store.Delete(past);
        for (int i = 0; i < _unwritten.Count; i++)
        {
            ReadOnlySpan<byte> stateKey = _unwritten.KeyAt(i);
            if (_unwritten.IsDeletedAt(i))
            {
                if (!_unwritten.IsNewAt(i))
                    _store.Delete(stateKey);
                continue;
            }

            ReadOnlySpan<byte> value = _unwritten.ValueAt(i);
            _store.Put(stateKey, value);
            if (_unwritten.IsMarkedAt(i) && _timerOf(value) is long time and not StageDefinition.NoTimer)
                _store.Put(TimerKey(time, stateKey[StoreKeys.StateHeader..]), default);
        }

        _store.Put(StoreKeys.Meta, _meta);
        _store.Put(StoreKeys.Local, _local);
        (_isUnwritten, _isWriting, _writingOffset) = (false, true, ChangelogOffset);
        (_unwritten, _writing) = (_writing, _unwritten);
        _unwrittenPast.Clear();
        _timers.OnWritten();
        Move(_dirtyFresh, _dirtyPast);
        Move(_sealedFresh, _sealedPast);
        return true;
    }

    /// <summary>
    /// Whether nothing is on its way to the disk; <paramref name="wait"/>: waits for what is. Throws
    /// <see cref="StoreException"/> as <see cref="Apply"/> does.
    /// </summary>
    public bool EndWrite(bool wait)
    {
        if (!_isWriting)
            return true;
        if (!_store.EndWrite(wait))
            return false;
        OnWritten();
        return true;
    }

    private void OnWritten()
    {
        _isWriting = false;
        WrittenOffset = _writingOffset;
        for (int i = 0; i < _writing.Count; i++)
        {
            if (_writing.IsDeletedAt(i))
                _cache.Delete(_writing.KeyAt(i), _writing.HashAt(i));
            else
                _cache.Put(_writing.KeyAt(i), _writing.HashAt(i), _writing.ValueAt(i));
        }

        _writing.Clear();
    }

    /// <summary>The transaction is aborted: drops its changes, and those made since it was sealed.</summary>
    public void Abandon()
    {
        _dirty.Clear();
        _dirtyPast.Clear();
        _dirtyFresh.Clear();
        _sealed.Clear();
        _sealedPast.Clear();
        _sealedFresh.Clear();
        _lastLength = 0;
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
            // It reads the committed ones from the disk; the others are nowhere else than here.
            Write();
            _timers.Load();
            AddTimersOf(_sealed, over: _dirty);
            AddTimersOf(_dirty, over: null);
        }

        return true;
    }

    // Those that stand: one that was due, and whose key has changed since, would come again and again with each slice.
    private void AddTimersOf(ByteMap changes, ByteMap? over)
    {
        for (int i = 0; i < changes.Count; i++)
        {
            if (!changes.IsMarkedAt(i) || changes.IsDeletedAt(i) || _timerOf(changes.ValueAt(i)) is not (long set and not StageDefinition.NoTimer))
                continue;
            ReadOnlySpan<byte> key = changes.KeyAt(i);
            if (over is null || !over.TryGet(key, changes.HashAt(i), out ReadOnlySpan<byte> value, out bool deleted) || (!deleted && _timerOf(value) == set))
                _timers.Add(TimerKey(set, key[StoreKeys.StateHeader..]));
        }
    }

    private void MoveSealed()
    {
        for (int i = 0; i < _sealed.Count; i++)
        {
            if (_sealed.IsDeletedAt(i))
                _unwritten.Delete(_sealed.KeyAt(i), _sealed.HashAt(i), _sealed.IsNewAt(i));
            else
                _unwritten.Put(_sealed.KeyAt(i), _sealed.HashAt(i), _sealed.ValueAt(i), _sealed.IsNewAt(i), _sealed.IsMarkedAt(i));
        }

        _sealed.Clear();
        Move(_sealedPast, _unwrittenPast);
        _sealedFresh.Clear();
    }

    private static void Move(ByteList from, ByteList to)
    {
        for (int position = 0; from.TryNext(ref position, out ReadOnlySpan<byte> item);)
            to.Add(item);
        from.Clear();
    }

    private bool IsLast(ReadOnlySpan<byte> stateKey) => stateKey.SequenceEqual(_last.AsSpan(0, _lastLength));

    private void Remember(ReadOnlySpan<byte> stateKey, uint hash, long timer, bool isAbsent)
    {
        _lastLength = Copy(stateKey, ref _last);
        _lastHash = hash;
        _lastTimer = timer;
        _lastIsAbsent = isAbsent;
    }

    private bool TryRead(ReadOnlySpan<byte> stateKey, out ReadOnlySpan<byte> value)
    {
        uint hash = ByteMap.Hash(stateKey);
        if (_dirty.TryGet(stateKey, hash, out value, out bool deleted)
            || (_sealed.Count > 0 && _sealed.TryGet(stateKey, hash, out value, out deleted))
            || _unwritten.TryGet(stateKey, hash, out value, out deleted)
            || (_isWriting && _writing.TryGet(stateKey, hash, out value, out deleted))
            || _cache.TryGet(stateKey, hash, out value, out deleted))
        {
            Remember(stateKey, hash, deleted ? StageDefinition.NoTimer : _timerOf(value), isAbsent: false);
            return !deleted;
        }

        int length = _store.TryGet(stateKey, ref _valueBuffer);
        bool isAbsent = length < 0;
        value = isAbsent ? default : _valueBuffer.AsSpan(0, length);
        if (!isAbsent)
            _cache.Put(stateKey, hash, value);
        Remember(stateKey, hash, isAbsent ? StageDefinition.NoTimer : _timerOf(value), isAbsent);
        return !isAbsent;
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
