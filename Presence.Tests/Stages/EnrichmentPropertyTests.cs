using FsCheck;
using FsCheck.Fluent;
using Presence.Core.State;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Stages;

[Parallelizable(ParallelScope.All)]
internal sealed class EnrichmentPropertyTests
{
    private const long LoginWait = 120 * Minute;
    private const long LateGrace = 10 * Minute;

    private static void ForAllSeeds(int tests, Action<int> property) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), property).Check(Config.QuickThrowOnFailure.WithMaxTest(tests));

    // Walk-ins up to the grace out of order and twice, maps as device-to-contact writes them while contacts log in and
    // are deleted. Times of logins differ.
    private static List<object> Random(Random random)
    {
        List<object> steps = [];
        Dictionary<(string Device, string Business), Dictionary<string, long>> logins = [];
        double now = 0;
        int devices = random.Next(1, 4), businesses = random.Next(1, 3);
        for (int i = random.Next(1, 60); i > 0; i--)
        {
            now += random.Next(4) switch { 0 => 0.5, 1 => 7, 2 => random.Next(40), _ => random.Next(10) == 0 ? 150 : 3 };
            string device = $"d{random.Next(devices)}", business = $"b{random.Next(businesses)}";
            if (random.Next(2) == 0)
            {
                VisitFact visit = Visit($"x{steps.Count}", now - (random.NextDouble() * 10), business, device);
                steps.Add(visit);
                if (random.Next(5) == 0)
                    steps.Add(visit);
                continue;
            }

            Dictionary<string, long> known = logins.TryGetValue((device, business), out var found) ? found : logins[(device, business)] = [];
            if (random.Next(4) == 0 && known.Count > 0)
                known.Remove(known.Keys.ElementAt(random.Next(known.Count)));
            else
                known[$"c{random.Next(3)}"] = At(now - (random.Next(3) == 0 ? random.NextDouble() * 200 : 0)) + steps.Count;
            steps.Add(new MapFact(
                device,
                logins.Where(l => l.Key.Device == device && l.Value.Count > 0).ToDictionary(l => l.Key.Business, l => (l.Value.MaxBy(c => c.Value).Key, l.Value.Values.Max())),
                At(now)));
        }

        return steps;
    }

    private static void Write(StageDriver driver, object step)
    {
        if (step is VisitFact visit)
            driver.Write(visit);
        else
            driver.Write((MapFact)step);
    }

    private static IEnumerable<(string, string)> Defined(List<object> steps) =>
        EnrichmentDefinition.Of(steps, LoginWait, LateGrace).Select(e => (e.Key, e.Value)).Order();

    // As the runtime merges its inputs: of the two heads the one with the smaller event time.
    private static List<object> Merged(List<object> steps)
    {
        Queue<VisitFact> visits = new(steps.OfType<VisitFact>());
        Queue<MapFact> maps = new(steps.OfType<MapFact>());
        List<object> merged = [];
        while (visits.Count + maps.Count > 0)
            merged.Add(maps.Count == 0 || (visits.Count > 0 && visits.Peek().At <= maps.Peek().EventTime) ? visits.Dequeue() : maps.Dequeue());
        return merged;
    }

    [Test]
    public void Step_by_step_the_stage_gives_exactly_the_definition() => ForAllSeeds(1500, seed =>
    {
        List<object> steps = Random(new Random(seed));
        Assert.That(new StageDriver(Enrichment).After([.. steps]).Enriched().Order(), Is.EqualTo(Defined(steps)));
    });

    [Test]
    public void Crashes_and_aborts_at_any_moment_change_nothing() => ForAllSeeds(700, seed =>
    {
        Random random = new(seed);
        List<object> steps = Random(random);
        StageDriver driver = new(Enrichment);
        foreach (object step in steps)
            Write(driver, step);
        List<object> merged = Merged(steps);
        for (int i = 0; i < 10; i++)
        {
            driver.Process(random.Next(1, 20));
            switch (random.Next(4))
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

        // The wall clock stands still here, so that a walk-in waits for ever.
        Assert.That(driver.Enriched().Order(), Is.EqualTo(EnrichmentDefinition.Of(merged, LoginWait, 10_000 * Minute).Select(e => (e.Key, e.Value)).Order()));
    });

    [Test]
    public void When_all_has_passed_and_all_contacts_are_deleted_no_state_stays() => ForAllSeeds(300, seed =>
    {
        List<object> steps = Random(new Random(seed));
        StageDriver driver = new StageDriver(Enrichment).After([.. steps]);
        foreach (double minutes in (double[])[20_000, 20_200, 20_400])
            driver.After(Visit($"clock{minutes}", minutes, device: "clock"), Map("clock", ("c", "c", minutes)));
        driver.After([.. steps.OfType<MapFact>().Select(m => m.Device).Distinct().Select(d => Map(d))]);
        Assert.That(driver.Store.Entries.Keys.Where(k => k[0] == StoreKeys.StatePrefix).Select(k => Text(k[1..])), Is.EqualTo(new[] { "clock" }));
    });
}
