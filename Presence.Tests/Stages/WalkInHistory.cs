using System.Text.Json;
using System.Text.Json.Nodes;
using Presence.Core.Events;
using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;

namespace Presence.Tests.Stages;

/// <summary>Histories of sightings for tests of the walk-in stage.</summary>
internal static class WalkInHistory
{
    public const long Start = 1_711_000_000_000;

    public static string Probe(Sighting s) => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["device"] = s.Device,
        ["business"] = s.Business,
        ["venue"] = s.Venue,
        ["ap"] = "ap",
        ["rssi"] = s.Rssi,
        ["at"] = s.At,
        ["randomized"] = s.Randomized,
    });

    public static string Login(Sighting s, bool backfill = false, bool deleted = false) => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["device"] = s.Device,
        ["business"] = s.Business,
        ["venue"] = s.Venue,
        ["contact"] = "c",
        ["email"] = "c@example.org",
        ["at"] = s.At,
        ["backfill"] = backfill,
        ["deleted"] = deleted,
    });

    public static StageDriver Driver(WalkInOptions? options = null, params VenueOptions[] venues) =>
        new(WalkInStageDefinition.Create(new TopicNames(), options ?? new WalkInOptions(), venues));

    public static void Write(this StageDriver driver, Sighting s) =>
        driver.Write(s.IsLogin ? 1 : 0, s.Device, s.IsLogin ? Login(s) : Probe(s), s.At);

    public static Sighting At(double minutes, int rssi = -50, string device = "d", bool login = false, bool randomized = false) =>
        new("b", "v", device, Start + (long)(minutes * 60_000), login ? 0 : rssi, login, randomized);

    /// <summary>Moves the task's clock by a sighting of some other device.</summary>
    public static Sighting Clock(double minutes) => At(minutes, -90, "clock");

    public static List<(string Device, long At, long FirstSeen)> WalkIns(this StageDriver driver) =>
        [.. driver.Output(0).Select(w => ((string)w!["device"]!, (long)w["at"]!, (long)w["firstSeen"]!))];

    public static List<JsonNode> Ended(this StageDriver driver) => [.. driver.Output(1).OfType<JsonNode>()];

    public static double Minutes(long at) => (at - Start) / 60_000.0;

    /// <summary>
    /// Histories that come near every limit: gaps and dwells around the rules' values, equal ones included, weak and
    /// strong, several devices, long stays and days.
    /// </summary>
    public static List<Sighting> Random(Random random, int devices, bool logins, bool longStays = true)
    {
        WalkInOptions o = new();
        long[] steps =
        [
            200, 1_000, 1_001, 30_000, 60_000, 120_000, Ms(o.MinDwell) - 1, Ms(o.MinDwell), Ms(o.MinDwell) + 1, Ms(o.LateGrace), Ms(o.SessionGap) - 1,
            Ms(o.SessionGap), Ms(o.SessionGap) + 1, Ms(o.SessionGap) + Ms(o.LateGrace), Ms(o.Rearm) - 1, Ms(o.Rearm), Ms(o.Rearm) + 1, Ms(o.MaxVisit), 86_400_000,
        ];
        int[] levels = [-40, -64, -65, -66, -74, -75, -76, -90];
        List<Sighting> all = [];
        for (int d = 0; d < devices; d++)
        {
            string venue = random.Next(4) == 0 ? "v2" : "v";
            long at = Start + random.Next(3_600_000);
            int length = random.Next(1, 40);
            int skew = random.Next(3);
            for (int i = 0; i < length; i++)
            {
                bool login = logins && random.Next(12) == 0;
                int rssi = login ? 0 : levels[skew == 0 ? random.Next(3) : random.Next(levels.Length)];
                all.Add(new Sighting("b", venue, $"d{d}", at, rssi, login));
                int choice = random.Next(10);
                at += choice < 6 ? steps[random.Next(8)] : choice < 9 ? steps[random.Next(13)] : steps[random.Next(longStays ? steps.Length : steps.Length - 2)];
                if (longStays && random.Next(200) == 0)
                    LongStay(random, all, venue, $"d{d}", ref at);
            }
        }

        // Ordered by time; a login before a probe of the same time, as the task takes them in no stated order.
        return [.. all.OrderBy(s => s.At).ThenBy(s => s.IsLogin ? 1 : 0)];
    }

    /// <summary>
    /// Stays of up to 14 h a day over weeks, as those of staff and equipment, around the days of <paramref name="start"/>;
    /// some begin weakly, so that they are present only on a later day.
    /// </summary>
    public static List<Sighting> RandomStays(Random random, int devices, DateTimeOffset start)
    {
        List<Sighting> all = [];
        for (int d = 0; d < devices; d++)
        {
            double[] lengths = random.Next(3) switch
            {
                0 => [3.9, 4, 4.1, 5],
                1 => [9.9, 10, 10.1, 14],
                _ => [0.2, 4.1, 10.1, 24],
            };
            for (int day = 0; day < 24; day++)
            {
                if (random.Next(3) == 0)
                    continue;
                long at = start.AddDays(day).ToUnixTimeMilliseconds() + random.Next(86_400_000);
                long until = at + (long)(lengths[random.Next(lengths.Length)] * 3_600_000);
                long strong = random.Next(3) == 0 ? until - 1_800_000 : at;
                for (; at < until; at += 840_000)
                    all.Add(new Sighting("b", "v", $"d{d}", at, at >= strong ? -50 : -70));
                all.Add(new Sighting("b", "v", $"d{d}", until, -50));
            }
        }

        return [.. all.OrderBy(s => s.At)];
    }

    private static void LongStay(Random random, List<Sighting> all, string venue, string device, ref long at)
    {
        long until = at + (random.Next(4, 40) * 3_600_000L);
        for (; at < until; at += 600_000)
            all.Add(new Sighting("b", venue, device, at, -50));
    }

    private static long Ms(TimeSpan span) => (long)span.TotalMilliseconds;
}
