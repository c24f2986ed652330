namespace Presence.Core.Stages.WalkIn;

/// <summary>Days of a venue as its clocks on the wall show them, counted from 1970-01-01; times in ms.</summary>
internal static class LocalDays
{
    /// <summary>Length of a day without a change of the clocks.</summary>
    public const long DayMilliseconds = 86_400_000;

    private const long HourMilliseconds = 3_600_000;

    /// <summary>The local day in which a time lies.</summary>
    public static int Of(long at, TimeZoneInfo zone) =>
        (int)Math.Floor((double)(at + OffsetAt(at, zone)) / DayMilliseconds);

    /// <summary>
    /// The first moment after <paramref name="at"/> that lies on a later day than <paramref name="day"/>, its own. The
    /// clocks may change on the way and at midnight itself: then 00:00 does not exist, or 23:00 comes twice. Always
    /// later than <paramref name="at"/>, so that a walk over days ends.
    /// </summary>
    public static long MidnightAfter(long at, int day, TimeZoneInfo zone)
    {
        long local = (day + 1) * DayMilliseconds;
        long first = local - OffsetAt(at, zone);
        long second = local - OffsetAt(first, zone);
        (long earlier, long later) = first < second ? (first, second) : (second, first);
        if (earlier > at && Of(earlier, zone) > day)
            return earlier;
        return later > at && Of(later, zone) > day ? later : at + HourMilliseconds;
    }

    private static long OffsetAt(long at, TimeZoneInfo zone) =>
        (long)zone.GetUtcOffset(DateTimeOffset.FromUnixTimeMilliseconds(at)).TotalMilliseconds;
}
