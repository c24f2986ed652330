using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// The timers of one task in the order of (time, key). The store holds all committed ones; the earliest of them are in
/// memory, up to a horizon, and are loaded in slices, so that neither start nor a step ever scans them all.
/// A timer that its key has meanwhile replaced stays in the queue: whoever takes it compares it with the key's value.
/// </summary>
public sealed class TimerQueue
{
    private const int SliceMax = 4096;

    private readonly IStateStore _store;
    private readonly PriorityQueue<byte[], byte[]> _near = new(ByteOrder.Instance);

    // Uncommitted timers beyond the horizon: the store does not have them yet.
    private readonly List<byte[]> _farUncommitted = [];
    private byte[] _horizon = [StoreKeys.TimerPrefix];
    private bool _storeExhausted;
    private byte[] _scratch = new byte[256];

    /// <summary>Over the committed timers of a store.</summary>
    public TimerQueue(IStateStore store) => _store = store;

    /// <summary>Timers in memory.</summary>
    public int Near => _near.Count;

    /// <summary>Adds a timer of the transaction that is open.</summary>
    public void Add(long time, ReadOnlySpan<byte> key)
    {
        int length = Encode(time, key);
        byte[] timer = _scratch.AsSpan(0, length).ToArray();
        if (_storeExhausted || ByteOrder.Instance.Compare(timer, _horizon) < 0)
            _near.Enqueue(timer, timer);
        else
            _farUncommitted.Add(timer);
    }

    /// <summary>The earliest timer with a time of at most <paramref name="clock"/>; it stays. The key is valid until the next call.</summary>
    public bool TryPeekDue(long clock, out long time, out ReadOnlySpan<byte> key)
    {
        while (true)
        {
            if (_near.TryPeek(out byte[]? timer, out _))
            {
                time = StoreKeys.TimerTime(timer);
                key = timer.AsSpan(StoreKeys.TimerHeader);
                return time <= clock;
            }

            if (_storeExhausted || StoreKeys.TimerTime(HorizonOrFirst()) > clock)
            {
                time = StageDefinition.NoTimer;
                key = default;
                return false;
            }

            LoadSlice();
        }
    }

    /// <summary>Removes the timer peeked.</summary>
    public void Pop() => _near.Dequeue();

    /// <summary>The open transaction is committed and applied to the store.</summary>
    public void Committed()
    {
        // Those beyond the horizon are in the store now and will be loaded from there.
        if (_farUncommitted.Count > 0)
            _farUncommitted.Clear();
    }

    /// <summary>The open transaction is gone: back to what the store holds.</summary>
    public void Reset()
    {
        _near.Clear();
        _farUncommitted.Clear();
        _horizon = [StoreKeys.TimerPrefix];
        _storeExhausted = false;
    }

    private ReadOnlySpan<byte> HorizonOrFirst() =>
        _horizon.Length >= StoreKeys.TimerHeader ? _horizon : EarliestTimer;

    private static ReadOnlySpan<byte> EarliestTimer => [StoreKeys.TimerPrefix, 0, 0, 0, 0, 0, 0, 0, 0];

    private void LoadSlice()
    {
        int loaded = 0;
        byte[] from = _horizon;
        byte[]? next = null;
        _store.Scan(from, StoreKeys.AfterTimers, (key, _) =>
        {
            byte[] timer = key.ToArray();
            if (loaded == SliceMax)
            {
                next = timer;
                return false;
            }

            loaded++;
            _near.Enqueue(timer, timer);
            return true;
        });
        if (next is null)
            _storeExhausted = true;
        else
            _horizon = next;

        for (int i = _farUncommitted.Count - 1; i >= 0; i--)
        {
            byte[] timer = _farUncommitted[i];
            if (_storeExhausted || ByteOrder.Instance.Compare(timer, _horizon) < 0)
            {
                _near.Enqueue(timer, timer);
                _farUncommitted.RemoveAt(i);
            }
        }
    }

    private int Encode(long time, ReadOnlySpan<byte> key)
    {
        if (_scratch.Length < StoreKeys.TimerHeader + key.Length)
            _scratch = new byte[(StoreKeys.TimerHeader + key.Length) * 2];
        return StoreKeys.WriteTimer(_scratch, time, key);
    }

    private sealed class ByteOrder : IComparer<byte[]>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}
