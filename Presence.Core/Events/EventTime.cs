namespace Presence.Core.Events;

/// <summary>The range of times in records: ms since 1970-01-01 UTC, from 2000-01-01 to 2100-01-01.</summary>
public static class EventTime
{
    /// <summary>2000-01-01T00:00:00Z.</summary>
    public const long Min = 946_684_800_000;

    /// <summary>2100-01-01T00:00:00Z.</summary>
    public const long Max = 4_102_444_800_000;

    /// <summary>Whether a time is in range.</summary>
    public static bool IsValid(long at) => at is >= Min and <= Max;
}
