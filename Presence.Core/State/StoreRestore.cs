using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// Applies changelog records to a store, in batches that carry the changelog offset they reach: a restore that is
/// interrupted goes on where its last batch ended.
/// </summary>
public sealed class StoreRestore
{
    /// <summary>A batch is written when it holds this many bytes.</summary>
    public const int BatchBytesMax = 4 * 1024 * 1024;

    private readonly IStateStore _store;
    private readonly TimerOf _timerOf;
    private readonly byte[] _local;
    private byte[] _timer = new byte[512];
    private int _batchBytes;

    /// <summary>Over an open store that stands at <paramref name="local"/>.</summary>
    public StoreRestore(IStateStore store, TimerOf timerOf, LocalRecord local)
    {
        _store = store;
        _timerOf = timerOf;
        _local = local.ToBytes();
        Position = local.ChangelogOffset;
        _store.BeginBatch();
    }

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
            if (key[0] == StoreKeys.StatePrefix && _timerOf(value) is long time and not StageDefinition.NoTimer)
            {
                ReadOnlySpan<byte> stageKey = key[StoreKeys.StateHeader..];
                if (_timer.Length < stageKey.Length + StoreKeys.TimerHeader)
                    _timer = new byte[(stageKey.Length + StoreKeys.TimerHeader) * 2];
                _store.Put(_timer.AsSpan(0, StoreKeys.WriteTimer(_timer, time, stageKey)), default);
            }
        }

        Position = offset + 1;
        Records++;
        int size = key.Length + value.Length;
        Bytes += size;
        _batchBytes += size;
        if (_batchBytes >= BatchBytesMax)
            Write(currentAt: 0);
    }

    /// <summary>The changelog has been read up to <paramref name="position"/>, commit markers included; the store is at its end.</summary>
    public void Complete(long position, long now)
    {
        Position = Math.Max(Position, position);
        Write(now);
    }

    /// <summary>How far the store is.</summary>
    public LocalRecord Local => LocalRecord.Read(_local);

    private void Write(long currentAt)
    {
        long known = LocalRecord.Read(_local).CurrentAt;
        LocalRecord.Update(_local, Position, currentAt == 0 ? known : currentAt);
        _store.Put(StoreKeys.Local, _local);
        _store.WriteBatch();
        _store.BeginBatch();
        _batchBytes = 0;
    }
}
