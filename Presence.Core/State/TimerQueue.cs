using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// The earliest timers of one task, in the order of (time, key), up to a horizon. The later ones are on disk or among the
/// changes of the open transaction, and are loaded in slices, so that neither start nor a step ever scans them all, and
/// memory is bounded. With each timer goes how often the store had been written when it came: whether it may be on disk. A
/// timer that its key has meanwhile replaced stays in the queue: whoever takes it compares it with the key's value.
/// Allocates only while it grows.
/// </summary>
public sealed class TimerQueue
{
    private readonly IStateStore _store;
    private readonly int _countMax;
    private readonly TimerHeap _heap = new();
    private int _writes;

    // All timers before it are in the heap; meaningless while that has all.
    private byte[] _horizon = [StoreKeys.TimerPrefix];
    private bool _hasAll;

    /// <summary>Over the timers of a store; at most <paramref name="countMax"/> in memory.</summary>
    public TimerQueue(IStateStore store, int countMax)
    {
        _store = store;
        _countMax = countMax;
    }

    /// <summary>Timers in memory.</summary>
    public int Count => _heap.Count;

    /// <summary>Adds a timer of the open transaction, by its key in the store.</summary>
    public void Add(ReadOnlySpan<byte> timer)
    {
        if (!_hasAll && timer.SequenceCompareTo(_horizon) >= 0)
            return;
        _heap.Add(timer, _writes);
        if (_heap.Count <= _countMax)
            return;
        // The later half is where the rest is: in the store, or among the open transaction's changes.
        _horizon = _heap.KeepEarliest(_countMax / 2);
        _hasAll = false;
    }

    /// <summary>Whether a timer is due; may say yes for one that was not looked for yet.</summary>
    public bool HasDue(long clock) => _heap.HasDue(clock) || IsLoading(clock);

    /// <summary>
    /// The earliest timer with a time of at most <paramref name="clock"/>; it stays. The key, without the timer's header, is
    /// valid until the next call. False with <paramref name="isLoading"/>: <see cref="Load"/> comes first.
    /// </summary>
    public bool TryPeekDue(long clock, out long time, out ReadOnlySpan<byte> key, out bool isLoading)
    {
        bool found = _heap.TryPeekDue(clock, out time, out ReadOnlySpan<byte> timer);
        key = found ? timer[StoreKeys.TimerHeader..] : default;
        isLoading = !found && IsLoading(clock);
        return found;
    }

    /// <summary>Removes the timer peeked. Returns whether the store may have it on disk.</summary>
    public bool Pop() => _heap.Pop() != _writes;

    /// <summary>The store has been written: what was added before may be on disk.</summary>
    public void OnWritten() => _writes++;

    /// <summary>
    /// Loads the next slice from the store, which must have all that is committed. What the open transaction has set is to
    /// be added again.
    /// </summary>
    public void Load()
    {
        byte[]? next = null;
        int loaded = 0;
        _store.Scan(_horizon, StoreKeys.AfterTimers, (timer, _) =>
        {
            if (loaded++ == _countMax / 2)
            {
                next = timer.ToArray();
                return false;
            }

            _heap.Add(timer, _writes - 1);
            return true;
        });
        _hasAll = next is null;
        _horizon = next ?? _horizon;
    }

    /// <summary>Back to what the store holds, which is loaded anew.</summary>
    public void Reset()
    {
        _heap.Clear();
        _horizon = [StoreKeys.TimerPrefix];
        _hasAll = false;
    }

    // A clock that has not begun yet is past nothing.
    private bool IsLoading(long clock) =>
        _heap.Count == 0 && !_hasAll && clock > long.MinValue && (_horizon.Length < StoreKeys.TimerHeader || StoreKeys.TimerTime(_horizon) <= clock);
}
