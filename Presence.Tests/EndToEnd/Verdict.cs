using System.Text;
using System.Text.Json.Nodes;
using Presence.Core.Log;
using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;

namespace Presence.Tests.EndToEnd;

/// <summary>Holds what came out of the topics against the definition over the whole set that went in.</summary>
internal static class Verdict
{
    private const long Minute = 60_000;

    public static void AssertExact(Scenario scenario, bool ordered = true)
    {
        List<JsonNode> walkIns = Values(scenario, scenario.Names.WalkIns);
        List<JsonNode> ended = Values(scenario, scenario.Names.VisitsEnded);
        HashSet<string> loggedIn = [.. scenario.Logins.Select(l => l.Device)];
        WalkInOptions options = new();
        List<DefinedWalkIn> without = WalkInDefinition.Of(scenario.Probes, (_, _) => options);
        List<DefinedWalkIn> with = WalkInDefinition.Of(scenario.Probes.Concat(scenario.Logins).Where(s => loggedIn.Contains(s.Device)), (_, _) => options);

        Assert.That(walkIns.Select(w => (string)w["visit"]!).Distinct().Count(), Is.EqualTo(walkIns.Count), "no visit is doubled");
        Assert.That(ended.Select(w => (string)w["visit"]!).Distinct().Count(), Is.EqualTo(ended.Count), "no end of a visit is doubled");
        Assert.That(walkIns, Has.Count.GreaterThan(500), "the scenario has walk-ins");

        var exact = walkIns.Where(w => !loggedIn.Contains((string)w["device"]!)).Select(Key).Order().ToList();
        var expected = without.Where(w => !loggedIn.Contains(w.Device)).Select(w => (w.Venue, w.Device, w.At, w.FirstSeen)).Order().ToList();
        if (ordered)
            Assert.That(exact, Is.EqualTo(expected), "walk-ins of devices that did not log in");
        else
            Assert.That(exact.Select(w => (w.Venue, w.Device)), Is.EqualTo(expected.Select(w => (w.Venue, w.Device))), "walk-ins of devices that did not log in");
        AssertBounds(walkIns, without, with, loggedIn);
        if (ordered)
            AssertEnded(scenario, ended, without.Where(w => !loggedIn.Contains(w.Device)), loggedIn);
        AssertEnriched(scenario, walkIns);
        AssertCounts(scenario);
    }

    private static void AssertBounds(List<JsonNode> walkIns, List<DefinedWalkIn> without, List<DefinedWalkIn> with, HashSet<string> loggedIn)
    {
        var least = without.Where(w => loggedIn.Contains(w.Device)).CountBy(w => (w.Venue, w.Device)).ToDictionary();
        var most = with.CountBy(w => (w.Venue, w.Device)).ToDictionary();
        var actual = walkIns.Where(w => loggedIn.Contains((string)w["device"]!)).CountBy(w => ((string)w["venue"]!, (string)w["device"]!)).ToDictionary();
        foreach (var place in least.Keys.Union(most.Keys).Union(actual.Keys))
        {
            int a = least.GetValueOrDefault(place), b = most.GetValueOrDefault(place), found = actual.GetValueOrDefault(place);
            Assert.That(found, Is.InRange(Math.Min(a, b), Math.Max(a, b)), $"walk-ins of {place}, who logged in");
        }
    }

    private static void AssertEnded(Scenario scenario, List<JsonNode> ended, IEnumerable<DefinedWalkIn> expected, HashSet<string> loggedIn)
    {
        long[] clocks = new long[Scenario.Partitions];
        foreach (Sighting probe in scenario.Probes)
            clocks[PartitionOf(probe.Device)] = Math.Max(clocks[PartitionOf(probe.Device)], probe.At);

        // The clock of an idle task runs on, so what is near the end may have ended or not.
        bool Near(string device, long lastSeen) => Math.Abs(lastSeen + (25 * Minute) - clocks[PartitionOf(device)]) < 10 * Minute;
        var wanted = expected.Where(w => !Near(w.Device, w.LastSeen) && (w.EndedByLength || w.LastSeen + (25 * Minute) < clocks[PartitionOf(w.Device)]))
            .Select(w => (w.Venue, w.Device, w.FirstSeen, w.LastSeen)).Order();
        var found = ended.Where(e => !loggedIn.Contains((string)e["device"]!) && !Near((string)e["device"]!, (long)e["lastSeen"]!))
            .Select(e => ((string)e["venue"]!, (string)e["device"]!, (long)e["firstSeen"]!, (long)e["lastSeen"]!)).Order();
        Assert.That(found, Is.EqualTo(wanted), "ends of visits");
    }

    // A login counts when it reaches the log before enrichment's clock has passed the walk-in's wait, and it is late when
    // one of the tasks on its way has stood still while others went on. How far the clock can have been is in the log.
    private static void AssertEnriched(Scenario scenario, List<JsonNode> walkIns)
    {
        List<JsonNode> enriched = Values(scenario, scenario.Names.EnrichedWalkIns);
        const long wait = 120 * Minute, grace = 10 * Minute;
        ILookup<(string Device, string Business), (long At, long ClockBefore)> mappings = Mappings(scenario).ToLookup(m => m.Of, m => (m.At, m.ClockBefore));
        HashSet<(string, string)> actual = [.. enriched.Select(e => ((string)e["visit"]!, (string)e["contact"]!))];
        Assert.That(enriched, Has.Count.EqualTo(actual.Count), "no walk-in is enriched twice");
        Assert.That(enriched, Is.Not.Empty);
        int late = 0;
        List<string> missing = [];
        foreach (JsonNode w in walkIns)
        {
            long at = (long)w["at"]!;
            string device = (string)w["device"]!, business = (string)w["business"]!;
            bool isEnriched = actual.Remove(((string)w["visit"]!, Scenario.ContactOf(device)));
            bool hasLogin = scenario.Logins.Exists(l => l.Device == device && l.Business == business && l.At <= at + wait);
            Assert.That(hasLogin || !isEnriched, Is.True, $"{device} at {at} is enriched without a login");
            if (isEnriched || !hasLogin)
                continue;
            var found = mappings[(device, business)].Where(m => m.At <= at + wait).ToList();
            if (found.Count > 0 && found.TrueForAll(m => m.ClockBefore > at + wait + grace))
                late++;
            else
                missing.Add($"{device} at {at}: {string.Join(", ", found)}");
        }

        Assert.That(missing, Is.Empty, "walk-ins whose login was in time, and were not enriched");
        Assert.That(actual, Is.Empty, "enriched walk-ins that are none");
        if (late > 0)
            TestContext.Progress.WriteLine($"{late} walk-ins were not enriched, as their logins came too late to the log");
    }

    // Each business of each record of device-to-contact: its login's time, and how far the record's partition was before.
    private static IEnumerable<((string Device, string Business) Of, long At, long ClockBefore)> Mappings(Scenario scenario)
    {
        long[] clocks = new long[Scenario.Partitions];
        foreach ((string device, string? value) in scenario.Read(scenario.Names.DeviceToContact))
        {
            if (value is null)
                continue;
            long before = clocks[PartitionOf(device)];
            foreach ((string business, JsonNode? mapping) in JsonNode.Parse(value)!["businesses"]!.AsObject())
            {
                long at = (long)mapping!["at"]!;
                clocks[PartitionOf(device)] = Math.Max(clocks[PartitionOf(device)], at);
                yield return ((device, business), at, before);
            }
        }
    }

    private static void AssertCounts(Scenario scenario)
    {
        const long rearm = 180 * Minute;
        Dictionary<string, List<long>> counted = [];
        foreach (var (contact, value) in scenario.Read(scenario.Names.EnrichedWalkIns))
        {
            JsonNode e = JsonNode.Parse(value!)!;
            List<long> times = counted.TryGetValue(contact, out List<long>? known) ? known : counted[contact] = [];
            if (times.TrueForAll(t => Math.Abs(t - (long)e["at"]!) >= rearm))
                times.Add((long)e["at"]!);
        }

        Dictionary<string, (long Count, long LastAt)> found = [];
        foreach (var (contact, value) in scenario.Read(scenario.Names.WalkInCounts))
        {
            JsonNode c = JsonNode.Parse(value!)!;
            long before = found.GetValueOrDefault(contact).Count;
            Assert.That((long)c["count"]!, Is.EqualTo(before + 1), $"counts of {contact} rise by one");
            found[contact] = ((long)c["count"]!, (long)c["lastAt"]!);
        }

        Assert.That(
            found.Select(f => (f.Key, f.Value.Count, f.Value.LastAt)).Order(),
            Is.EqualTo(counted.Select(c => (c.Key, (long)c.Value.Count, c.Value.Max())).Order()),
            "counts");
    }

    private static (string Venue, string Device, long At, long FirstSeen) Key(JsonNode w) =>
        ((string)w["venue"]!, (string)w["device"]!, (long)w["at"]!, (long)w["firstSeen"]!);

    private static int PartitionOf(string device) => Partitioner.Of(Encoding.UTF8.GetBytes(device), Scenario.Partitions);

    private static List<JsonNode> Values(Scenario scenario, string topic) => [.. scenario.Read(topic).Select(r => JsonNode.Parse(r.Value!)!)];
}
