using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// Applies changelog records to a store, in batches that carry the changelog offset they reach: a restore that is
/// interrupted goes on where its last batch ended. While one is written the next one fills up.
/// </summary>
public sealed class StoreRestore
{
    private readonly IStateStore _store;
    private readonly TimerOf _timerOf;
    private readonly MetaRecord _meta;
    private readonly int[] _clockInputs;
    private readonly byte[] _local;
    private readonly byte[] _written;
    private byte[] _timer = new byte[512];
    private readonly int _fileBytesMin;
    private int _batchBytesMax;
    private int _filledBytes;
    private int _writingBytes;
    private bool _isWriting;

    // Clock of the last transaction, and of the last one before that with another clock: whenever the clock moves, all that
    // was due before has fired.
    private long _clock = long.MinValue;
    private long _firedTo = long.MinValue;
    private long _droppedTo = long.MinValue;

    /// <summary>Over an open store, of a task of this stage, that stands at <paramref name="local"/>.</summary>
    public StoreRestore(IStateStore store, StageDefinition stage, LocalRecord local, StoreBounds bounds)
    {
        (_batchBytesMax, _fileBytesMin) = (bounds.RestoreBytesMin, bounds.FileBytesMin);
        _store = store;
        _timerOf = stage.TimerOf;
        _meta = new MetaRecord(stage.Inputs.Count);
        _clockInputs = [.. stage.ClockInputs];
        _local = local.ToBytes();
        _written = local.ToBytes();
        Position = local.ChangelogOffset;
        _store.BeginBatch();
    }

    /// <summary>Bytes of keys and values that are applied and not written, those on their way included.</summary>
    public int BatchBytes => _filledBytes + _writingBytes;

    /// <summary>Whether the last of it is on its way to the store, or there.</summary>
    public bool IsCompleting { get; private set; }

    /// <summary>Whether what is on its way waits for no other store's any more.</summary>
    public bool HasBegunToWrite => _store.HasBegunToWrite;

    /// <summary>Next changelog offset to apply.</summary>
    public long Position { get; private set; }

    /// <summary>Records applied.</summary>
    public long Records { get; private set; }

    /// <summary>Bytes of keys and values applied.</summary>
    public long Bytes { get; private set; }

    /// <summary>Applies one record. Throws <see cref="StoreException"/>.</summary>
    public void Apply(long offset, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool hasValue)
    {
        if (key.IsEmpty || key[0] > StoreKeys.StatePrefix)
            throw new StoreException($"The changelog record at offset {offset} has a key of unknown kind ({(key.IsEmpty ? "empty" : key[0].ToString(System.Globalization.CultureInfo.InvariantCulture))}).", isCorruption: false);

        if (!hasValue)
        {
            _store.Delete(key);
        }
        else
        {
            _store.Put(key, value);
            if (key[0] == StoreKeys.MetaPrefix)
                NoteClock(value);
            if (key[0] == StoreKeys.StatePrefix && _timerOf(value) is long time and not StageDefinition.NoTimer)
            {
                ReadOnlySpan<byte> stageKey = key[StoreKeys.StateHeader..];
                _store.Put(TimerKey(time, stageKey), default);
                _filledBytes += StoreKeys.TimerHeader + stageKey.Length;
            }
        }

        Position = offset + 1;
        Records++;
        int size = key.Length + value.Length;
        Bytes += size;
        _filledBytes += size;
        // What makes a file, a half at least, is written while more comes.
        if (BatchBytes >= _batchBytesMax)
            EndWrite(wait: true);
        if (_filledBytes >= _batchBytesMax)
            Write(currentAt: 0);
        else if (_filledBytes >= Math.Max(_batchBytesMax / 2, _fileBytesMin))
            BeginWrite(currentAt: 0);
    }

    /// <summary>
    /// It holds at most so many bytes. Where it has more now, they are written at once: nothing else may come. Throws
    /// <see cref="StoreException"/>.
    /// </summary>
    public void LimitBatch(int bytes)
    {
        _batchBytesMax = bytes;
        EndWrite(wait: BatchBytes > bytes);
        if (BatchBytes > bytes)
            Write(currentAt: 0);
    }

    /// <summary>The changelog has been read up to <paramref name="position"/>, commit markers included; the store is at its end.</summary>
    public void Complete(long position, long now)
    {
        Position = Math.Max(Position, position);
        Write(now);
    }

    /// <summary>
    /// As <see cref="Complete"/>, without waiting, and for the last time: called until it returns true. Nothing is applied
    /// from the first call on.
    /// </summary>
    public bool TryComplete(long position, long now)
    {
        EndWrite(wait: false);
        if (_isWriting)
            return false;
        if (!IsCompleting)
        {
            Position = Math.Max(Position, position);
            BeginWrite(now);
            IsCompleting = true;
            EndWrite(wait: false);
        }

        return !_isWriting;
    }

    /// <summary>
    /// Deletes timers that have fired elsewhere, at most <paramref name="max"/>, with the next batch: a copy that follows for
    /// long would have all there ever were. Only what is written is looked at.
    /// </summary>
    public void DropFired(int max)
    {
        if (_firedTo <= _droppedTo)
            return;
        byte[] from = _droppedTo == long.MinValue ? [StoreKeys.TimerPrefix] : TimerKey(_droppedTo + 1, default).ToArray();
        byte[] to = TimerKey(_firedTo + 1, default).ToArray();
        long last = _firedTo;
        int dropped = 0;
        _store.Scan(from, to, (timer, _) =>
        {
            // The next time goes on with those of this one's moment.
            last = StoreKeys.TimerTime(timer) - 1;
            if (++dropped > max)
                return false;
            _store.Delete(timer);
            _filledBytes += timer.Length;
            return true;
        });
        _droppedTo = dropped > max ? last : _firedTo;
    }

    private void NoteClock(ReadOnlySpan<byte> meta)
    {
        _meta.Read(meta);
        long clock = _meta.ClockOf(_clockInputs);
        if (clock <= _clock)
            return;
        (_firedTo, _clock) = (_clock, clock);
    }

    private ReadOnlySpan<byte> TimerKey(long time, ReadOnlySpan<byte> key)
    {
        if (_timer.Length < key.Length + StoreKeys.TimerHeader)
            _timer = new byte[(key.Length + StoreKeys.TimerHeader) * 2];
        return _timer.AsSpan(0, StoreKeys.WriteTimer(_timer, time, key));
    }

    /// <summary>How far the store is.</summary>
    public LocalRecord Local => LocalRecord.Read(_written);

    private void Write(long currentAt)
    {
        BeginWrite(currentAt);
        EndWrite(wait: true);
    }

    private void BeginWrite(long currentAt)
    {
        EndWrite(wait: true);
        long known = LocalRecord.Read(_local).CurrentAt;
        LocalRecord.Update(_local, Position, currentAt == 0 ? known : currentAt);
        _store.Put(StoreKeys.Local, _local);
        if (_filledBytes >= _fileBytesMin)
            _store.BeginWrite(asFile: true);
        else
            _store.WriteBatch();
        _store.BeginBatch();
        (_filledBytes, _writingBytes, _isWriting) = (0, _filledBytes, true);
    }

    private void EndWrite(bool wait)
    {
        if (!_isWriting || !_store.EndWrite(wait))
            return;
        _local.CopyTo(_written, 0);
        (_writingBytes, _isWriting) = (0, false);
    }
}
