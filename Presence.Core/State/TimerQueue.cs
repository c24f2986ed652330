using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// The earliest timers of one task, in the order of (time, key): a heap over one arena of bytes, up to a horizon. The later
/// ones are on disk or among the changes of the open transaction, and are loaded in slices, so that neither start nor a
/// step ever scans them all, and memory is bounded. A timer that its key has meanwhile replaced stays in the queue:
/// whoever takes it compares it with the key's value. Allocates only while it grows.
/// </summary>
public sealed class TimerQueue
{
    private struct Slot
    {
        public long Time;

        /// <summary>Where its key, as the store has it, lies in the arena.</summary>
        public int Start;
        public int Length;
    }

    private readonly IStateStore _store;
    private readonly int _countMax;
    private readonly Comparison<Slot> _compare;
    private Slot[] _heap = new Slot[256];
    private byte[] _arena = new byte[16 * 1024];
    private byte[] _spare = [];
    private int _arenaUsed;
    private int _arenaLive;

    // All timers before it are in the heap; meaningless while that has all.
    private byte[] _horizon = [StoreKeys.TimerPrefix];
    private bool _hasAll;

    /// <summary>Over the timers of a store; at most <paramref name="countMax"/> in memory.</summary>
    public TimerQueue(IStateStore store, int countMax)
    {
        _store = store;
        _countMax = countMax;
        _compare = (x, y) => Compare(in x, in y);
    }

    /// <summary>Timers in memory.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a timer of the open transaction, by its key in the store.</summary>
    public void Add(ReadOnlySpan<byte> timer)
    {
        if (!_hasAll && timer.SequenceCompareTo(_horizon) >= 0)
            return;
        Push(timer);
        if (Count > _countMax)
            KeepHalf();
    }

    /// <summary>
    /// The earliest timer with a time of at most <paramref name="clock"/>; it stays. The key, without the timer's header, is
    /// valid until the next call. False with <paramref name="isLoading"/>: <see cref="Load"/> comes first.
    /// </summary>
    public bool TryPeekDue(long clock, out long time, out ReadOnlySpan<byte> key, out bool isLoading)
    {
        if (Count > 0)
        {
            ref Slot first = ref _heap[0];
            time = first.Time;
            key = _arena.AsSpan(first.Start + StoreKeys.TimerHeader, first.Length - StoreKeys.TimerHeader);
            isLoading = false;
            return time <= clock;
        }

        time = StageDefinition.NoTimer;
        key = default;
        // A clock that has not begun yet is past nothing.
        isLoading = !_hasAll && clock > long.MinValue && (_horizon.Length < StoreKeys.TimerHeader || StoreKeys.TimerTime(_horizon) <= clock);
        return false;
    }

    /// <summary>Removes the timer peeked.</summary>
    public void Pop()
    {
        _arenaLive -= _heap[0].Length;
        _heap[0] = _heap[--Count];
        SiftDown(0);
        if (Count == 0)
            _arenaUsed = 0;
    }

    /// <summary>
    /// Loads the next slice: from the store, which must have all that is committed, and of the open transaction's
    /// <paramref name="dirty"/> ones those that lie within.
    /// </summary>
    public void Load(ByteMap dirty)
    {
        byte[] from = _horizon;
        byte[]? next = null;
        int loaded = 0;
        _store.Scan(from, StoreKeys.AfterTimers, (timer, _) =>
        {
            if (loaded++ == _countMax / 2)
            {
                next = timer.ToArray();
                return false;
            }

            Push(timer);
            return true;
        });
        _hasAll = next is null;
        _horizon = next ?? from;
        for (int i = 0; i < dirty.Count; i++)
        {
            ReadOnlySpan<byte> timer = dirty.KeyAt(i);
            if (!dirty.IsDeletedAt(i) && timer.SequenceCompareTo(from) >= 0 && (next is null || timer.SequenceCompareTo(next) < 0))
                Push(timer);
        }

        if (Count > _countMax)
            KeepHalf();
    }

    /// <summary>Back to what the store holds, which is loaded anew.</summary>
    public void Reset()
    {
        Count = _arenaUsed = _arenaLive = 0;
        _horizon = [StoreKeys.TimerPrefix];
        _hasAll = false;
    }

    private void Push(ReadOnlySpan<byte> timer)
    {
        if (Count == _heap.Length)
            Array.Resize(ref _heap, _heap.Length * 2);
        if (_arenaUsed + timer.Length > _arena.Length)
            Compact(timer.Length);
        timer.CopyTo(_arena.AsSpan(_arenaUsed));
        _heap[Count] = new Slot { Time = StoreKeys.TimerTime(timer), Start = _arenaUsed, Length = timer.Length };
        _arenaUsed += timer.Length;
        _arenaLive += timer.Length;
        SiftUp(Count++);
    }

    // The later half is where the rest is: in the store, or among the open transaction's changes.
    private void KeepHalf()
    {
        _heap.AsSpan(0, Count).Sort(_compare);
        Slot first = _heap[_countMax / 2];
        _horizon = _arena.AsSpan(first.Start, first.Length).ToArray();
        _hasAll = false;
        Count = _countMax / 2;
        _arenaLive = 0;
        for (int i = 0; i < Count; i++)
            _arenaLive += _heap[i].Length;
        Compact(0);
    }

    // Takes out the bytes of timers that are gone; grows when most of it lives.
    private void Compact(int room)
    {
        byte[] target = _spare;
        int needed = _arenaLive + room > _arena.Length / 2 ? Math.Max(_arena.Length, _arenaLive + room) * 2 : _arena.Length;
        if (target.Length < needed)
            target = new byte[needed];
        int used = 0;
        for (int i = 0; i < Count; i++)
        {
            ref Slot slot = ref _heap[i];
            _arena.AsSpan(slot.Start, slot.Length).CopyTo(target.AsSpan(used));
            slot.Start = used;
            used += slot.Length;
        }

        (_spare, _arena, _arenaUsed) = (_arena, target, used);
    }

    private void SiftUp(int index)
    {
        Slot slot = _heap[index];
        while (index > 0)
        {
            int parent = (index - 1) / 4;
            if (Compare(in slot, in _heap[parent]) >= 0)
                break;
            _heap[index] = _heap[parent];
            index = parent;
        }

        _heap[index] = slot;
    }

    private void SiftDown(int index)
    {
        Slot slot = _heap[index];
        while (true)
        {
            int child = (index * 4) + 1;
            if (child >= Count)
                break;
            int earliest = child;
            for (int last = Math.Min(child + 4, Count); ++child < last;)
            {
                if (Compare(in _heap[child], in _heap[earliest]) < 0)
                    earliest = child;
            }

            if (Compare(in slot, in _heap[earliest]) <= 0)
                break;
            _heap[index] = _heap[earliest];
            index = earliest;
        }

        _heap[index] = slot;
    }

    private int Compare(in Slot x, in Slot y)
    {
        int byTime = x.Time.CompareTo(y.Time);
        return byTime != 0 ? byTime : _arena.AsSpan(x.Start, x.Length).SequenceCompareTo(_arena.AsSpan(y.Start, y.Length));
    }
}
