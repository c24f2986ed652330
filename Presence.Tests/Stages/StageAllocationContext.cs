using Presence.Core.Stages;

namespace Presence.Tests.Stages;

/// <summary>
/// A context whose own work allocates nothing once every key has been met: what is measured around it is the stage's.
/// It has no transactions; timers fire when the test asks for it.
/// </summary>
internal sealed class StageAllocationContext(TimerOf timerOf) : ITaskContext
{
    private sealed class Slot
    {
        public readonly byte[] Value = new byte[16_384];
        public required byte[] Key;
        public int Length = -1;
    }

    private readonly List<Slot> _slots = [];
    private readonly Dictionary<string, Slot> _byKey = [];
    private readonly char[] _chars = new char[1024];

    public long Clock { get; set; } = long.MinValue;

    public long WallClock { get; set; }

    public int Emitted { get; private set; }

    public int LargestValue { get; private set; }

    public int Entries { get; private set; }

    /// <summary>By counter.</summary>
    public int[] Counted { get; } = new int[16];

    public long StreamTime(int input) => input == 0 ? Clock : long.MinValue;

    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        Slot slot = Of(key);
        value = slot.Length < 0 ? default : slot.Value.AsSpan(0, slot.Length);
        return slot.Length >= 0;
    }

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Slot slot = Of(key);
        if (slot.Length < 0)
            Entries++;
        value.CopyTo(slot.Value);
        slot.Length = value.Length;
        LargestValue = Math.Max(LargestValue, value.Length);
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        Slot slot = Of(key);
        if (slot.Length >= 0)
            Entries--;
        slot.Length = -1;
    }

    public void Emit(int output, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestamp) => Emitted++;

    public void EmitTombstone(int output, ReadOnlySpan<byte> key, long timestamp) => Emitted++;

    public void Count(int counter) => Counted[counter]++;

    /// <summary>Fires what the clock has passed, in no order.</summary>
    public void FireTimers(IStage stage)
    {
        for (int i = 0; i < _slots.Count; i++)
        {
            Slot slot = _slots[i];
            while (slot.Length >= 0 && timerOf(slot.Value.AsSpan(0, slot.Length)) <= Clock)
                stage.OnTimer(slot.Key, slot.Value.AsSpan(0, slot.Length), this);
        }
    }

    private Slot Of(ReadOnlySpan<byte> key)
    {
        int length = System.Text.Encoding.UTF8.GetChars(key, _chars);
        ReadOnlySpan<char> text = _chars.AsSpan(0, length);
        if (_byKey.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out Slot? slot))
            return slot;
        slot = new Slot { Key = key.ToArray() };
        _slots.Add(slot);
        return _byKey[text.ToString()] = slot;
    }
}
