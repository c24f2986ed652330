using Presence.Core.Stages.WalkIn;

namespace Presence.Tests.Definition;

/// <summary>One sighting of a device at a venue; a login has rssi 0.</summary>
internal sealed record Sighting(string Business, string Venue, string Device, long At, int Rssi, bool IsLogin = false, bool Randomized = false);

/// <summary>A walk-in as the definition has it.</summary>
internal sealed record DefinedWalkIn(string Business, string Venue, string Device, long At, long FirstSeen, int Rssi, long LastSeen, bool EndedByLength);

/// <summary>
/// What a walk-in is, over whole sets: written from the definition alone, with nothing of the stage in it.
/// </summary>
internal static class WalkInDefinition
{
    private sealed record Visit(long First, long Last, long PresentAt, int Rssi, List<Sighting> Run);

    /// <summary>All walk-ins of a set of sightings; parameters by venue.</summary>
    public static List<DefinedWalkIn> Of(IEnumerable<Sighting> sightings, Func<string, string, WalkInOptions> options, Func<string, string, VenueOptions?>? venues = null)
    {
        List<DefinedWalkIn> all = [];
        foreach (var place in sightings.GroupBy(s => (s.Business, s.Venue, s.Device)))
        {
            WalkInOptions o = options(place.Key.Business, place.Key.Venue);
            VenueOptions? venue = venues?.Invoke(place.Key.Business, place.Key.Venue);
            TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(venue?.TimeZone ?? "UTC");
            List<Sighting> belonging =
            [
                .. place.Where(s => s.Rssi >= o.ExitRssi && !(s.Randomized && o.RandomizedMacs == RandomizedMacs.Exclude))
                    .DistinctBy(s => (s.At, s.Rssi, s.IsLogin)).OrderBy(s => s.At),
            ];
            List<Visit> visits = [.. Runs(belonging, Ms(o.SessionGap)).Select(r => Present(r, o)).OfType<Visit>()];
            for (int i = 0; i < visits.Count; i++)
            {
                Visit visit = visits[i];
                if (i > 0 && visit.First - visits[i - 1].Last < Ms(o.Rearm))
                    continue;
                if (venue?.ExcludedDevices.Contains(place.Key.Device) == true || IsPermanent(visits, visit.PresentAt, zone))
                    continue;
                Sighting? tooLong = visit.Run.FirstOrDefault(s => s.At - visit.First >= Ms(o.MaxVisit));
                all.Add(new DefinedWalkIn(
                    place.Key.Business,
                    place.Key.Venue,
                    place.Key.Device,
                    visit.PresentAt,
                    visit.First,
                    visit.Rssi,
                    tooLong is null ? visit.Last : Math.Max(tooLong.At, visit.PresentAt),
                    tooLong is not null));
            }
        }

        return all;
    }

    private static IEnumerable<List<Sighting>> Runs(List<Sighting> belonging, long gap)
    {
        List<Sighting> run = [];
        foreach (Sighting sighting in belonging)
        {
            if (run.Count > 0 && sighting.At - run[^1].At > gap)
            {
                yield return run;
                run = [];
            }

            run.Add(sighting);
        }

        if (run.Count > 0)
            yield return run;
    }

    private static Visit? Present(List<Sighting> run, WalkInOptions o)
    {
        long? login = run.Where(s => s.IsLogin).Select(s => (long?)s.At).FirstOrDefault();
        long? strong = run.Where(s => s.Rssi >= o.EntryRssi).Select(s => (long?)s.At).FirstOrDefault();
        long? dwelt = null;
        int counted = 0;
        long lastCounted = 0;
        foreach (Sighting s in run)
        {
            if (counted == 0 || s.At - lastCounted > 1000)
            {
                counted++;
                lastCounted = s.At;
            }

            if (strong is not null && s.At >= strong + Ms(o.MinDwell) && counted >= o.MinSightings)
            {
                dwelt = s.At;
                break;
            }
        }

        if (login is null && dwelt is null)
            return null;
        long at = Math.Min(login ?? long.MaxValue, dwelt ?? long.MaxValue);
        return new Visit(run[0].At, run[^1].At, at, run.Where(s => s.At <= at).Max(s => s.Rssi), run);
    }

    private static bool IsPermanent(List<Visit> visits, long at, TimeZoneInfo zone)
    {
        DateOnly Day(long t) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(t), zone).DateTime);
        DateOnly today = Day(at);
        Dictionary<DateOnly, long> presence = [];
        foreach (Visit visit in visits)
        {
            long from = visit.First;
            while (from < visit.Last)
            {
                DateOnly day = Day(from);
                long until = Day(visit.Last) == day ? visit.Last : FirstNotOn(day, from, visit.Last);
                presence[day] = presence.GetValueOrDefault(day) + until - from;
                from = until;
            }
        }

        // By halving, so that it needs to know nothing of how clocks change: the day holds at from, and no more at to.
        long FirstNotOn(DateOnly day, long from, long to)
        {
            while (to - from > 1)
            {
                long middle = from + ((to - from) / 2);
                (from, to) = Day(middle) == day ? (middle, to) : (from, middle);
            }

            return to;
        }

        var before = presence.Where(p => p.Key < today && p.Key >= today.AddDays(-14)).Select(p => p.Value).ToList();
        return before.Count(p => p > 4 * 3_600_000L) >= 4 || before.Count(p => p > 10 * 3_600_000L) >= 2;
    }

    private static long Ms(TimeSpan span) => (long)span.TotalMilliseconds;
}
