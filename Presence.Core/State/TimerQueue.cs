using System.Buffers.Binary;
using Presence.Core.Stages;

namespace Presence.Core.State;

/// <summary>
/// The earliest timers of one task, in the order of (time, key): a heap over one arena of bytes, up to a horizon. The later
/// ones are on disk or among the changes of the open transaction, and are loaded in slices, so that neither start nor a
/// step ever scans them all, and memory is bounded. Before a timer in the arena stands how often the store had been written
/// when it came: whether it may be on disk. A timer that its key has meanwhile replaced stays in the queue:
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

    private const int StampLength = sizeof(int);

    private readonly IStateStore _store;
    private readonly int _countMax;
    private readonly Comparison<Slot> _compare;
    private Slot[] _heap = new Slot[256];
    private byte[] _arena = new byte[16 * 1024];
    private byte[] _spare = [];
    private int _arenaUsed;
    private int _arenaLive;
    private int _writes;

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
        Push(timer, _writes);
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

    /// <summary>Removes the timer peeked. Returns whether the store may have it on disk.</summary>
    public bool Pop()
    {
        Slot first = _heap[0];
        bool mayBeOnDisk = BinaryPrimitives.ReadInt32LittleEndian(_arena.AsSpan(first.Start - StampLength)) != _writes;
        _arenaLive -= StampLength + first.Length;
        _heap[0] = _heap[--Count];
        SiftDown(0);
        if (Count == 0)
            _arenaUsed = 0;
        return mayBeOnDisk;
    }

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

            Push(timer, _writes - 1);
            return true;
        });
        _hasAll = next is null;
        _horizon = next ?? _horizon;
    }

    /// <summary>Back to what the store holds, which is loaded anew.</summary>
    public void Reset()
    {
        Count = _arenaUsed = _arenaLive = 0;
        _horizon = [StoreKeys.TimerPrefix];
        _hasAll = false;
    }

    private void Push(ReadOnlySpan<byte> timer, int stamp)
    {
        if (Count == _heap.Length)
            Array.Resize(ref _heap, _heap.Length * 2);
        int length = StampLength + timer.Length;
        if (_arenaUsed + length > _arena.Length)
            Compact(length);
        BinaryPrimitives.WriteInt32LittleEndian(_arena.AsSpan(_arenaUsed), stamp);
        int start = _arenaUsed + StampLength;
        timer.CopyTo(_arena.AsSpan(start));
        _heap[Count] = new Slot { Time = StoreKeys.TimerTime(timer), Start = start, Length = timer.Length };
        _arenaUsed += length;
        _arenaLive += length;
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
            _arenaLive += StampLength + _heap[i].Length;
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
            int length = StampLength + slot.Length;
            _arena.AsSpan(slot.Start - StampLength, length).CopyTo(target.AsSpan(used));
            slot.Start = used + StampLength;
            used += length;
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
