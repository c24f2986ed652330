using System.Globalization;
using Presence.Core.Events;

namespace Presence.Host.Replay;

/// <summary>
/// Reads the times of one file: <c>2024-02-08 14:56:29.121221</c>, with <c>T</c>, with <c>Z</c> or an offset (which then
/// counts), or seconds since 1970. Fractions are cut to whole ms. Times without an offset are local to a time zone, and
/// where its clocks change:
/// a time that the clocks passed over is read with the offset from before the change;
/// one that they show twice is read as the first of the two instants, unless that lies more than a minute before the
/// row before it: then the file has already reached the second pass.
/// </summary>
public sealed class CaptureClock(TimeZoneInfo zone)
{
    private static readonly long StepBackTicks = TimeSpan.FromMinutes(1).Ticks;

    private long _lastTicks = long.MinValue;

    /// <summary>Reads a time into ms since 1970-01-01 UTC; false when it is none, or not between 2000 and 2100.</summary>
    public bool TryRead(ReadOnlySpan<char> text, out long at)
    {
        text = text.Trim();
        at = 0;
        if (!TryTicks(text, out long ticks))
            return false;
        at = (ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond;
        if (!EventTime.IsValid(at))
            return false;
        _lastTicks = ticks;
        return true;
    }

    private bool TryTicks(ReadOnlySpan<char> text, out long utcTicks)
    {
        utcTicks = 0;
        if (text.Length < 16 || text[4] != '-')
            return TryUnixSeconds(text, out utcTicks);

        if (!TryDigits(text[..4], out int year) || !TryDigits(text[5..7], out int month) || !TryDigits(text[8..10], out int day)
            || text[7] != '-' || text[10] is not (' ' or 'T' or 't')
            || !TryDigits(text[11..13], out int hour) || text[13] != ':' || !TryDigits(text[14..16], out int minute))
            return false;
        ReadOnlySpan<char> rest = text[16..];
        int second = 0;
        long fraction = 0;
        if (rest.Length > 0 && rest[0] == ':')
        {
            if (rest.Length < 3 || !TryDigits(rest[1..3], out second))
                return false;
            rest = rest[3..];
            if (rest.Length > 0 && rest[0] is '.' or ',' && !TryFraction(ref rest, out fraction))
                return false;
        }

        // A leap second is read as the second before it, as most clocks show it.
        if (year is < 1 or > 9999 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 60)
            return false;
        DateTime local = new DateTime(year, month, day, hour, minute, Math.Min(second, 59), DateTimeKind.Unspecified).AddTicks(fraction);
        if (rest.IsEmpty)
        {
            utcTicks = ToUtc(local);
            return true;
        }

        if (!TryOffset(rest, out TimeSpan offset))
            return false;
        utcTicks = local.Ticks - offset.Ticks;
        return true;
    }

    private long ToUtc(DateTime local)
    {
        if (zone.IsInvalidTime(local))
            return local.Ticks - zone.GetUtcOffset(local.AddDays(-1)).Ticks;
        if (!zone.IsAmbiguousTime(local))
            return local.Ticks - zone.GetUtcOffset(local).Ticks;

        TimeSpan[] offsets = zone.GetAmbiguousTimeOffsets(local);
        long first = local.Ticks - offsets.Max().Ticks;
        long second = local.Ticks - offsets.Min().Ticks;
        return _lastTicks != long.MinValue && first < _lastTicks - StepBackTicks ? second : first;
    }

    private static bool TryUnixSeconds(ReadOnlySpan<char> text, out long utcTicks)
    {
        utcTicks = 0;
        int point = text.IndexOf('.');
        ReadOnlySpan<char> whole = point < 0 ? text : text[..point];
        if (whole.Length is < 9 or > 10 || !long.TryParse(whole, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds))
            return false;
        ReadOnlySpan<char> rest = point < 0 ? default : text[point..];
        long fraction = 0;
        if (!rest.IsEmpty && (!TryFraction(ref rest, out fraction) || !rest.IsEmpty))
            return false;
        utcTicks = DateTime.UnixEpoch.Ticks + (seconds * TimeSpan.TicksPerSecond) + fraction;
        return true;
    }

    // ".121221": any number of digits; those below a tick are cut.
    private static bool TryFraction(ref ReadOnlySpan<char> text, out long ticks)
    {
        ticks = 0;
        int digits = 0;
        while (digits + 1 < text.Length && char.IsAsciiDigit(text[digits + 1]))
        {
            if (digits < 7)
                ticks = (ticks * 10) + (text[digits + 1] - '0');
            digits++;
        }

        for (int i = digits; i < 7; i++)
            ticks *= 10;
        text = text[(digits + 1)..];
        return digits > 0;
    }

    private static bool TryOffset(ReadOnlySpan<char> text, out TimeSpan offset)
    {
        offset = default;
        text = text.Trim();
        if (text is "Z" or "z" or "UTC")
            return true;
        if (text.Length is not (3 or 5 or 6) || text[0] is not ('+' or '-') || !TryDigits(text[1..3], out int hours))
            return false;
        int minutes = 0;
        if (text.Length > 3 && ((text.Length == 6 && text[3] != ':') || !TryDigits(text[^2..], out minutes)))
            return false;
        if (hours > 14 || minutes > 59)
            return false;
        offset = new TimeSpan(hours, minutes, 0);
        if (text[0] == '-')
            offset = -offset;
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<char> text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
