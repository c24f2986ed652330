using FsCheck;
using FsCheck.Fluent;
using Presence.Core.Stages.WalkIn;
using Presence.Core.State;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.WalkInHistory;

namespace Presence.Tests.Stages;

[Parallelizable(ParallelScope.All)]
internal sealed class WalkInPropertyTests
{
    private const long Grace = 600_000;

    private static void ForAllSeeds(int tests, Action<int> property) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), property).Check(Config.QuickThrowOnFailure.WithMaxTest(tests));

    private static List<DefinedWalkIn> Defined(IEnumerable<Sighting> sightings) =>
        WalkInDefinition.Of(sightings, (_, _) => new WalkInOptions());

    private static StageDriver Deliver(IEnumerable<Sighting> sightings)
    {
        StageDriver driver = Driver();
        foreach (Sighting s in sightings)
            driver.Write(s);
        return driver;
    }

    private static IEnumerable<(string, string, long, long)> Key(IEnumerable<DefinedWalkIn> walkIns) =>
        walkIns.Select(w => (w.Venue, w.Device, w.At, w.FirstSeen)).Order();

    private static IEnumerable<(string, string, long, long)> Key(StageDriver driver) =>
        driver.Output(0).Select(w => ((string)w!["venue"]!, (string)w["device"]!, (long)w["at"]!, (long)w["firstSeen"]!)).Order();

    [Test]
    public void In_the_order_of_time_the_stage_gives_exactly_the_definition() => ForAllSeeds(2000, seed =>
    {
        Random random = new(seed);
        List<Sighting> history = Random(random, devices: 4, logins: true);
        StageDriver driver = Deliver(history);
        driver.Write(At(0, -90, "clock") with { At = history.Max(s => s.At) + 86_400_000 });
        driver.Run();
        List<DefinedWalkIn> expected = Defined(history);
        Assert.That(Key(driver), Is.EqualTo(Key(expected)));
        Assert.That(
            driver.Output(1).Select(e => ((string)e!["venue"]!, (string)e["device"]!, (long)e["firstSeen"]!, (long)e["lastSeen"]!)).Order(),
            Is.EqualTo(expected.Select(w => (w.Venue, w.Device, w.FirstSeen, w.LastSeen)).Order()));
        Assert.That(driver.Output(0).Select(w => (int)w!["rssi"]!).Order(), Is.EqualTo(expected.Select(w => w.Rssi).Order()));
    });

    [Test]
    public void Crashes_and_aborts_at_any_moment_change_nothing() => ForAllSeeds(1000, seed =>
    {
        Random random = new(seed);
        List<Sighting> history = Random(random, devices: 4, logins: true);
        StageDriver driver = Driver();
        foreach (Sighting s in history)
        {
            driver.Write(s);
            if (random.Next(8) != 0)
                continue;
            driver.Process(random.Next(1, 20));
            switch (random.Next(5))
            {
                case 0:
                    driver.Abort();
                    break;
                case 1:
                    driver.Crash(loseDisk: false);
                    break;
                case 2:
                    driver.Crash(loseDisk: true);
                    break;
                default:
                    driver.Commit();
                    break;
            }
        }

        driver.Run();
        Assert.That(Key(driver), Is.EqualTo(Key(Defined(history))));
    });

    [Test]
    public void Twice_delivered_they_are_the_same_walk_ins() => ForAllSeeds(1000, seed =>
    {
        Random random = new(seed);
        List<Sighting> history = Random(random, devices: 4, logins: false);
        StageDriver driver = Deliver(history.SelectMany(s => Enumerable.Repeat(s, random.Next(1, 4))));
        driver.Run();
        Assert.That(Key(driver), Is.EqualTo(Key(Defined(history))));
    });

    [Test]
    public void Staff_and_equipment_are_found_as_defined_in_any_time_zone_while_clocks_change() => ForAllSeeds(300, seed =>
    {
        Random random = new(seed);
        string[] zones = ["UTC", "Europe/Prague", "America/New_York", "Asia/Beirut", "Africa/Cairo", "America/Havana", "Pacific/Auckland"];
        VenueOptions venue = new() { Business = "b", Venue = "v", TimeZone = zones[random.Next(zones.Length)] };
        DateTimeOffset start = new(2024, random.Next(2) == 0 ? 3 : 10, random.Next(5, 28), 0, 0, 0, TimeSpan.Zero);
        List<Sighting> history = RandomStays(random, devices: 2, start);
        StageDriver driver = Driver(null, venue);
        foreach (Sighting s in history)
            driver.Write(s);
        driver.Run();
        Assert.That(Key(driver), Is.EqualTo(Key(WalkInDefinition.Of(history, (_, _) => new WalkInOptions(), (_, _) => venue))), venue.TimeZone);
    });

    [Test]
    public void State_is_bounded_and_goes_when_all_has_passed() => ForAllSeeds(200, seed =>
    {
        Random random = new(seed);
        List<Sighting> history = Random(random, devices: 6, logins: true);
        StageDriver driver = Deliver(history.OrderBy(s => s.At + random.NextInt64(Grace)));
        driver.Run();
        Assert.That(driver.Store.Entries.Where(e => e.Key[0] == StoreKeys.StatePrefix).Select(e => e.Value.Length), Is.All.LessThan(512));
        long last = history.Max(s => s.At);
        for (int day = 18; day <= 19; day++)
        {
            driver.Write(At(0, -90, "clock") with { At = last + (day * 86_400_000L) });
            driver.Run();
        }

        Assert.That(driver.StateCount, Is.Zero);
    });

    // Sightings come in any order within the grace, one by one. What is emitted must be a walk-in of the definition over
    // what had come by then: that is the stated exception (what is out stays out), and nothing beyond it. And every
    // walk-in of the definition over the whole must have been emitted.
    [Test]
    public void In_any_order_within_the_grace_they_are_the_same_walk_ins() => ForAllSeeds(400, seed =>
    {
        Random random = new(seed);
        bool logins = random.Next(2) == 0;
        List<Sighting> all = [.. Random(random, devices: 1, logins, longStays: false).OrderBy(s => s.At + random.NextInt64(Grace))];
        StageDriver driver = Driver();
        List<(long At, long FirstSeen)> emitted = [];
        for (int i = 0; i < all.Count; i++)
        {
            driver.Write(all[i]);
            driver.Run();
            if (driver.Sent("walk-ins").Count == emitted.Count)
                continue;
            List<Sighting> come = all[..(i + 1)];
            foreach ((string _, long at, long firstSeen) in driver.WalkIns().Skip(emitted.Count).ToList())
            {
                DefinedWalkIn? defined = Defined(come).SingleOrDefault(w => w.FirstSeen == firstSeen);
                Assert.That(defined, Is.Not.Null, $"walk-in since {Minutes(firstSeen)} of what had come");
                Assert.That(Math.Abs(defined!.At - at), Is.LessThanOrEqualTo(Grace), "at");
                Assert.That(emitted.Any(e => e.At >= defined.FirstSeen && e.At <= defined.LastSeen), Is.False, "the same visit again");
                emitted.Add((at, firstSeen));
            }
        }

        foreach (DefinedWalkIn walkIn in Defined(all))
        {
            List<(long At, long FirstSeen)> near = [.. emitted.Where(e => Math.Abs(e.At - walkIn.At) <= Grace)];
            Assert.That(near, Is.Not.Empty, $"walk-in at {Minutes(walkIn.At)}");
            // Part of another run: a sighting between them came after the walk-in was out.
            bool joined = all.Any(s => s.At > walkIn.FirstSeen + Grace && s.At < near[0].FirstSeen);
            Assert.That(joined || near.Any(e => Math.Abs(e.FirstSeen - walkIn.FirstSeen) <= Grace), "firstSeen");
        }

        driver.Write(At(0, -90, "clock") with { At = all.Max(s => s.At) + 86_400_000 });
        driver.Run();
        Assert.That(driver.Ended().Select(e => (string)e["visit"]!).Order(), Is.EqualTo(driver.Output(0).Select(w => (string)w!["visit"]!).Order()), "each ends once");
    });
}
