using FsCheck;
using FsCheck.Fluent;
using Presence.Core.Stages.WalkIn;
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
    public void In_any_order_within_the_grace_they_are_the_same_walk_ins() => ForAllSeeds(2000, seed =>
    {
        Random random = new(seed);
        List<Sighting> history = Random(random, devices: 3, logins: false);
        List<Sighting> shuffled = [.. history.OrderBy(s => s.At + random.NextInt64(Grace))];
        StageDriver driver = Deliver(shuffled);
        driver.Run();
        foreach (var place in history.GroupBy(s => (s.Venue, s.Device)))
        {
            List<DefinedWalkIn> expected = [.. Defined(place).OrderBy(w => w.At)];
            var actual = Key(driver).Where(w => (w.Item1, w.Item2) == place.Key).ToList();
            if (HasLateMerge(place, shuffled))
                continue;
            Assert.That(actual, Has.Count.EqualTo(expected.Count), $"{place.Key} seed {seed}");
            for (int i = 0; i < actual.Count; i++)
            {
                Assert.That(Math.Abs(actual[i].Item3 - expected[i].At), Is.LessThanOrEqualTo(Grace), "at");
                Assert.That(Math.Abs(actual[i].Item4 - expected[i].FirstSeen), Is.LessThanOrEqualTo(Grace), "firstSeen");
            }
        }
    });

    // The stated exception: a sighting that comes after a walk-in was emitted and would have made it a return, or part
    // of another run, takes nothing back. Where runs lie that near to each other the order decides.
    private static bool HasLateMerge(IEnumerable<Sighting> place, List<Sighting> shuffled)
    {
        WalkInOptions o = new();
        List<long> times = [.. place.Where(s => s.Rssi >= o.ExitRssi).Select(s => s.At).Order()];
        long gap = (long)o.SessionGap.TotalMilliseconds, rearm = (long)o.Rearm.TotalMilliseconds;
        for (int i = 1; i < times.Count; i++)
        {
            long step = times[i] - times[i - 1];
            if ((step > gap - Grace && step <= gap + Grace) || (step > rearm - Grace && step < rearm + Grace))
                return true;
        }

        return shuffled.Count == 0;
    }
}
