using System.Buffers.Binary;

namespace Presence.Core.State;

/// <summary>
/// Keys within a task's store. The first byte says what an entry is:
/// <code>
/// 00              meta    the task's meta record (also in the changelog)
/// 01 key          state   a stage's state              (also in the changelog)
/// 02 time(8) key  timer   follows from the state values (store only)
/// 03              local   how far this copy is          (store only)
/// </code>
/// time: ms, big endian, sign flipped, so that byte order is time order.
/// </summary>
public static class StoreKeys
{
    public const byte MetaPrefix = 0;
    public const byte StatePrefix = 1;
    public const byte TimerPrefix = 2;
    public const byte LocalPrefix = 3;

    /// <summary>Bytes before the stage's key in a state key.</summary>
    public const int StateHeader = 1;

    /// <summary>Bytes before the stage's key in a timer key.</summary>
    public const int TimerHeader = 9;

    /// <summary>The meta record's key.</summary>
    public static ReadOnlySpan<byte> Meta => [MetaPrefix];

    /// <summary>The local record's key.</summary>
    public static ReadOnlySpan<byte> Local => [LocalPrefix];

    /// <summary>The first key after all timers.</summary>
    public static ReadOnlySpan<byte> AfterTimers => [LocalPrefix];

    /// <summary>Writes a state key; returns its length.</summary>
    public static int WriteState(Span<byte> destination, ReadOnlySpan<byte> key)
    {
        destination[0] = StatePrefix;
        key.CopyTo(destination[StateHeader..]);
        return StateHeader + key.Length;
    }

    /// <summary>Writes a timer key; returns its length.</summary>
    public static int WriteTimer(Span<byte> destination, long time, ReadOnlySpan<byte> key)
    {
        destination[0] = TimerPrefix;
        BinaryPrimitives.WriteInt64BigEndian(destination[1..], time ^ long.MinValue);
        key.CopyTo(destination[TimerHeader..]);
        return TimerHeader + key.Length;
    }

    /// <summary>The time of a timer key.</summary>
    public static long TimerTime(ReadOnlySpan<byte> timerKey) =>
        BinaryPrimitives.ReadInt64BigEndian(timerKey[1..]) ^ long.MinValue;
}
