using System.Buffers.Binary;
using System.Numerics;

namespace Presence.Core.State;

/// <summary>
/// Timers in memory, by the keys that a store has for them, in the order of (time, key): a radix heap. Those that are near
/// are a heap of their own, which stays small. The others lie in lists without an order, by the highest bit in which their
/// time differs from the pivot, at which a list was divided last; the nearest one is divided when the clock has come to it. So
/// a timer that is far is not compared with anything, and moves at most once for each bit, on its way to being near. A number
/// of the caller's goes with each. Allocates only while it grows.
/// </summary>
internal sealed class TimerHeap
{
    private struct Slot
    {
        /// <summary>In an order without signs.</summary>
        public ulong Time;

        /// <summary>Where its key lies in the arena, behind the caller's number.</summary>
        public int Start;
        public int Length;
    }

    private struct FarList
    {
        /// <summary>The block that is being filled; -1 none.</summary>
        public int Block;
        public int Used;
    }

    private struct Cursor
    {
        public bool HasBegun;

        /// <summary>Lists to come.</summary>
        public ulong Left;

        /// <summary>Where in the present one it is.</summary>
        public FarList List;
    }

    // Times that differ below this bit, a quarter of a second, are near.
    private const int NearBits = 8;
    private const int BlockSize = 64;
    private const int NumberLength = sizeof(int);

    private readonly Comparison<Slot> _compare;
    private readonly FarList[] _far = new FarList[64];
    private readonly Stack<int> _freeBlocks = new();
    private Slot[] _near = new Slot[256];
    private int _nearCount;

    // A bit for each list that is not empty.
    private ulong _filled;

    // What the lists are told apart by: all that is near lies before its quarter of a second is over, all that is far lies after.
    private ulong _pivot;
    private Slot[][] _blocks = new Slot[8][];
    private int[] _nextBlock = new int[8];
    private int _blockCount;
    private byte[] _arena = new byte[16 * 1024];
    private byte[] _spare = [];
    private int _arenaUsed;
    private int _arenaLive;

    /// <summary>Empty.</summary>
    public TimerHeap()
    {
        _compare = (x, y) => Compare(in x, in y);
        Array.Fill(_far, new FarList { Block = -1 });
    }

    /// <summary>Timers held.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a timer.</summary>
    public void Add(ReadOnlySpan<byte> timer, int number)
    {
        int length = NumberLength + timer.Length;
        if (_arenaUsed + length > _arena.Length)
            Compact(length);
        BinaryPrimitives.WriteInt32LittleEndian(_arena.AsSpan(_arenaUsed), number);
        int start = _arenaUsed + NumberLength;
        timer.CopyTo(_arena.AsSpan(start));
        Place(new Slot { Time = Ordered(StoreKeys.TimerTime(timer)), Start = start, Length = timer.Length });
        _arenaUsed += length;
        _arenaLive += length;
        Count++;
    }

    /// <summary>Whether a timer is due; may say yes for one that was not looked for yet.</summary>
    public bool HasDue(long clock) => _nearCount > 0 ? _near[0].Time <= Ordered(clock) : _filled != 0 && FarFrom() <= Ordered(clock);

    /// <summary>The earliest timer with a time of at most <paramref name="clock"/>; it stays. Its key is valid until the next call.</summary>
    public bool TryPeekDue(long clock, out long time, out ReadOnlySpan<byte> timer)
    {
        ulong due = Ordered(clock);
        while (_nearCount == 0 && _filled != 0 && FarFrom() <= due)
            Divide(due);
        if (_nearCount == 0 || _near[0].Time > due)
        {
            time = default;
            timer = default;
            return false;
        }

        timer = KeyOf(in _near[0]);
        time = StoreKeys.TimerTime(timer);
        return true;
    }

    /// <summary>Removes the timer peeked. Returns its number.</summary>
    public int Pop()
    {
        Slot first = _near[0];
        _near[0] = _near[--_nearCount];
        SiftDown();
        _arenaLive -= NumberLength + first.Length;
        if (--Count == 0)
            _arenaUsed = 0;
        return BinaryPrimitives.ReadInt32LittleEndian(_arena.AsSpan(first.Start - NumberLength));
    }

    /// <summary>Drops all but the earliest <paramref name="count"/>, of more. Returns the first one that is dropped.</summary>
    public byte[] KeepEarliest(int count)
    {
        // All in the place of those that are near, which holds what was near already.
        if (_near.Length < Count)
            Array.Resize(ref _near, Math.Max(Count, _near.Length * 2));
        int gathered = 0;
        for (Cursor cursor = default; NextRun(ref cursor, out Span<Slot> run); gathered += run.Length)
            run.CopyTo(_near.AsSpan(gathered));
        _near.AsSpan(0, gathered).Sort(_compare);
        byte[] dropped = KeyOf(in _near[count]).ToArray();
        ClearSlots();
        // In their order: one that is near again goes no further up than where it comes from.
        for (int i = 0; i < count; i++)
        {
            Slot slot = _near[i];
            Place(in slot);
            _arenaLive += NumberLength + slot.Length;
        }

        Count = count;
        Compact(0);
        return dropped;
    }

    /// <summary>Drops all.</summary>
    public void Clear()
    {
        ClearSlots();
        Count = _arenaUsed = 0;
        _pivot = 0;
    }

    private void ClearSlots()
    {
        for (; _filled != 0; _filled &= _filled - 1)
        {
            ref FarList list = ref _far[BitOperations.TrailingZeroCount(_filled)];
            for (; list.Block >= 0; list.Block = _nextBlock[list.Block])
                _freeBlocks.Push(list.Block);
        }

        _nearCount = _arenaLive = 0;
    }

    private static ulong Ordered(long time) => (ulong)time ^ (1UL << 63);

    private ReadOnlySpan<byte> KeyOf(in Slot slot) => _arena.AsSpan(slot.Start, slot.Length);

    // No later than anything in the nearest list.
    private ulong FarFrom()
    {
        int list = BitOperations.TrailingZeroCount(_filled);
        return ((_pivot >> list) | 1) << list;
    }

    private void Place(in Slot slot)
    {
        int list = slot.Time <= _pivot ? 0 : BitOperations.Log2(slot.Time ^ _pivot);
        if (list < NearBits)
            PushNear(in slot);
        else
            Append(list, in slot);
    }

    private void Append(int list, in Slot slot)
    {
        ref FarList far = ref _far[list];
        if (far.Block < 0 || far.Used == BlockSize)
        {
            int block = TakeBlock();
            _nextBlock[block] = far.Block;
            far = new FarList { Block = block };
            _filled |= 1UL << list;
        }

        _blocks[far.Block][far.Used++] = slot;
    }

    private int TakeBlock()
    {
        if (_freeBlocks.TryPop(out int free))
            return free;
        if (_blockCount == _blocks.Length)
        {
            Array.Resize(ref _blocks, _blockCount * 2);
            Array.Resize(ref _nextBlock, _blockCount * 2);
        }

        _blocks[_blockCount] = new Slot[BlockSize];
        return _blockCount++;
    }

    // The nearest list, at which the clock is, becomes lists that are nearer. Not beyond the clock: what comes next may lie
    // between.
    private void Divide(ulong clock)
    {
        int list = BitOperations.TrailingZeroCount(_filled);
        FarList divided = _far[list];
        _far[list] = new FarList { Block = -1 };
        _filled &= _filled - 1;
        _pivot = clock;
        int used = divided.Used;
        for (int block = divided.Block; block >= 0; block = _nextBlock[block], used = BlockSize)
        {
            foreach (ref Slot slot in _blocks[block].AsSpan(0, used))
                _pivot = Math.Min(_pivot, slot.Time);
        }

        used = divided.Used;
        for (int block = divided.Block; block >= 0; used = BlockSize)
        {
            foreach (ref Slot slot in _blocks[block].AsSpan(0, used))
                Place(in slot);
            int next = _nextBlock[block];
            _freeBlocks.Push(block);
            block = next;
        }
    }

    // All slots in runs, those that are near first. Begins with a cursor of default.
    private bool NextRun(ref Cursor cursor, out Span<Slot> run)
    {
        if (!cursor.HasBegun)
        {
            cursor = new Cursor { HasBegun = true, Left = _filled, List = new FarList { Block = -1 } };
            run = _near.AsSpan(0, _nearCount);
            return true;
        }

        if (cursor.List.Block >= 0)
            cursor.List = new FarList { Block = _nextBlock[cursor.List.Block], Used = BlockSize };
        if (cursor.List.Block < 0 && cursor.Left != 0)
        {
            cursor.List = _far[BitOperations.TrailingZeroCount(cursor.Left)];
            cursor.Left &= cursor.Left - 1;
        }

        run = cursor.List.Block < 0 ? default : _blocks[cursor.List.Block].AsSpan(0, cursor.List.Used);
        return cursor.List.Block >= 0;
    }

    // Takes out the bytes of timers that are gone; grows when most of it lives.
    private void Compact(int room)
    {
        byte[] target = _spare;
        int needed = _arenaLive + room > _arena.Length / 2 ? Math.Max(_arena.Length, _arenaLive + room) * 2 : _arena.Length;
        if (target.Length < needed)
            target = new byte[needed];
        int used = 0;
        for (Cursor cursor = default; NextRun(ref cursor, out Span<Slot> run);)
        {
            foreach (ref Slot slot in run)
            {
                int length = NumberLength + slot.Length;
                _arena.AsSpan(slot.Start - NumberLength, length).CopyTo(target.AsSpan(used));
                slot.Start = used + NumberLength;
                used += length;
            }
        }

        (_spare, _arena, _arenaUsed) = (_arena, target, used);
    }

    private void PushNear(in Slot slot)
    {
        if (_nearCount == _near.Length)
            Array.Resize(ref _near, _near.Length * 2);
        int index = _nearCount++;
        while (index > 0)
        {
            int parent = (index - 1) / 4;
            if (Compare(in slot, in _near[parent]) >= 0)
                break;
            _near[index] = _near[parent];
            index = parent;
        }

        _near[index] = slot;
    }

    private void SiftDown()
    {
        int index = 0;
        Slot slot = _near[0];
        while (true)
        {
            int child = (index * 4) + 1;
            if (child >= _nearCount)
                break;
            int earliest = child;
            for (int last = Math.Min(child + 4, _nearCount); ++child < last;)
            {
                if (Compare(in _near[child], in _near[earliest]) < 0)
                    earliest = child;
            }

            if (Compare(in slot, in _near[earliest]) <= 0)
                break;
            _near[index] = _near[earliest];
            index = earliest;
        }

        _near[index] = slot;
    }

    private int Compare(in Slot x, in Slot y)
    {
        int byTime = x.Time.CompareTo(y.Time);
        return byTime != 0 ? byTime : KeyOf(in x).SequenceCompareTo(KeyOf(in y));
    }
}
