using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// The state of one task as its stage sees it: what the open transaction has changed, over what is committed on disk.
/// Invariant: nothing uncommitted ever reaches the disk. <see cref="Apply"/> writes the changes of a committed
/// transaction together with the changelog offset that follows them, in one batch.
/// </summary>
public sealed class TaskStore : IDisposable
{
    private readonly IStateStore _store;
    private readonly TimerOf _timerOf;
    private readonly TimerQueue _timers;
    private readonly ByteMap _dirty = new();
    private readonly ByteMap _dirtyTimers = new();
    private readonly byte[] _local;
    private byte[] _keyBuffer = new byte[512];
    private byte[] _timerBuffer = new byte[512];
    private byte[] _valueBuffer = new byte[1024];
    private byte[] _dueKey = new byte[256];
    private byte[] _dueValue = new byte[1024];

    /// <summary>Over an opened and restored store.</summary>
    /// <param name="store">Owned from now on.</param>
    /// <param name="timerOf">Reads the timer out of a state value.</param>
    /// <param name="local">How far the store is.</param>
    public TaskStore(IStateStore store, TimerOf timerOf, LocalRecord local)
    {
        _store = store;
        _timerOf = timerOf;
        _timers = new TimerQueue(store);
        _local = local.ToBytes();
        ChangelogOffset = local.ChangelogOffset;
    }

    /// <summary>Next changelog offset this copy would apply.</summary>
    public long ChangelogOffset { get; private set; }

    /// <summary>Keys changed by the open transaction.</summary>
    public int DirtyCount => _dirty.Count;

    /// <summary>Bytes held by the open transaction's changes.</summary>
    public int DirtyBytes => _dirty.Bytes + _dirtyTimers.Bytes;

    /// <summary>Figures of the engine.</summary>
    public StoreFigures Figures => _store.Figures;

    /// <summary>Reads a state value; the span is valid until the next call.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) => TryGetPrefixed(StateKey(key), out value);

    /// <summary>Writes a state value and its timer.</summary>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> stateKey = StateKey(key);
        long time = _timerOf(value);
        if (time != StageDefinition.NoTimer)
        {
            bool had = TryGetPrefixed(stateKey, out ReadOnlySpan<byte> old);
            if (!had || _timerOf(old) != time)
            {
                _timers.Add(time, key);
                _dirtyTimers.Put(TimerKey(time, key), default);
            }
        }

        _dirty.Put(stateKey, value);
    }

    /// <summary>Removes a key; its timer goes when it is due.</summary>
    public void Delete(ReadOnlySpan<byte> key) => _dirty.Delete(StateKey(key));

    /// <summary>
    /// Takes the earliest timer due at <paramref name="clock"/>. Timers whose key has another one by now are dropped on
    /// the way. The spans are valid until the next call of this method.
    /// </summary>
    public bool TryTakeDue(long clock, out long time, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        while (_timers.TryPeekDue(clock, out time, out ReadOnlySpan<byte> due))
        {
            int keyLength = Copy(due, ref _dueKey);
            _timers.Pop();
            key = _dueKey.AsSpan(0, keyLength);
            _dirtyTimers.Delete(TimerKey(time, key));
            if (TryGetPrefixed(StateKey(key), out ReadOnlySpan<byte> current) && _timerOf(current) == time)
            {
                int valueLength = Copy(current, ref _dueValue);
                value = _dueValue.AsSpan(0, valueLength);
                return true;
            }
        }

        key = value = default;
        return false;
    }

    /// <summary>Whether a timer is due; may say yes for one that its key has replaced.</summary>
    public bool HasDue(long clock) => _timers.TryPeekDue(clock, out _, out _);

    /// <summary>Throws unless the key's timer differs from the one that has just fired at <paramref name="time"/>.</summary>
    public void AssertMoved(ReadOnlySpan<byte> key, long time)
    {
        if (TryGetPrefixed(StateKey(key), out ReadOnlySpan<byte> value) && _timerOf(value) == time)
            throw new InvalidOperationException($"The stage left a timer in place that has fired at {time}: it would fire for ever.");
    }

    /// <summary>The changed key at an index (0 to <see cref="DirtyCount"/> - 1), as the changelog has it.</summary>
    public ReadOnlySpan<byte> DirtyKey(int index) => _dirty.KeyAt(index);

    /// <summary>The changed value at an index; meaningless for a deleted one.</summary>
    public ReadOnlySpan<byte> DirtyValue(int index) => _dirty.ValueAt(index);

    /// <summary>Whether the key at an index was deleted.</summary>
    public bool IsDirtyDeleted(int index) => _dirty.IsDeletedAt(index);

    /// <summary>
    /// The transaction is committed: writes its changes, the meta record and the changelog offset in one batch.
    /// Throws <see cref="StoreException"/>; the store then lacks a committed batch and no record may be processed on it.
    /// </summary>
    public void Apply(ReadOnlySpan<byte> meta, long changelogOffset, long now)
    {
        _store.BeginBatch();
        for (int i = 0; i < _dirty.Count; i++)
        {
            if (_dirty.IsDeletedAt(i))
                _store.Delete(_dirty.KeyAt(i));
            else
                _store.Put(_dirty.KeyAt(i), _dirty.ValueAt(i));
        }

        for (int i = 0; i < _dirtyTimers.Count; i++)
        {
            if (_dirtyTimers.IsDeletedAt(i))
                _store.Delete(_dirtyTimers.KeyAt(i));
            else
                _store.Put(_dirtyTimers.KeyAt(i), default);
        }

        _store.Put(StoreKeys.Meta, meta);
        LocalRecord.Update(_local, changelogOffset, now);
        _store.Put(StoreKeys.Local, _local);
        _store.WriteBatch();
        ChangelogOffset = changelogOffset;
        _dirty.Clear();
        _dirtyTimers.Clear();
        _timers.Committed();
    }

    /// <summary>The transaction is aborted: drops its changes.</summary>
    public void Abandon()
    {
        _dirty.Clear();
        _dirtyTimers.Clear();
        _timers.Reset();
    }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();

    private bool TryGetPrefixed(ReadOnlySpan<byte> stateKey, out ReadOnlySpan<byte> value)
    {
        if (_dirty.TryGet(stateKey, out value, out bool deleted))
            return !deleted;
        int length = _store.TryGet(stateKey, ref _valueBuffer);
        value = length < 0 ? default : _valueBuffer.AsSpan(0, length);
        return length >= 0;
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
