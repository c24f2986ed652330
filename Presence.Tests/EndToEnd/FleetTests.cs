using System.Diagnostics;
using System.Text.RegularExpressions;
using Presence.Tests.Kafka;

namespace Presence.Tests.EndToEnd;

/// <summary>Several real instances on a real broker.</summary>
[Category("Chaos")]
[NonParallelizable]
internal sealed class FleetTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Test]
    public async Task A_fleet_whose_members_die_stand_still_and_are_deployed_loses_nothing_and_doubles_nothing()
    {
        Random random = new(11);
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 160_000, seed: 21);
        using ProcessFleet fleet = new(scenario, 3);
        for (int i = 0; i < fleet.Size; i++)
            fleet.Start(i);
        Task load = scenario.Load(rate: 3_000);
        string[] events = ["kill", "pause", "stop", "kill", "stop", "pause", "kill"];
        foreach (string what in events)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2_000 + random.Next(3_000)), TimeProvider.System);
            int victim = random.Next(fleet.Size);
            Assert.That(fleet[victim].HasExited, Is.False, string.Join('\n', fleet[victim].Log));
            switch (what)
            {
                case "pause":
                    // Longer than the others wait for it: it wakes up as a zombie.
                    fleet[victim].Signal("STOP");
                    await Task.Delay(TimeSpan.FromSeconds(6), TimeProvider.System);
                    fleet[victim].Signal("CONT");
                    continue;
                case "kill":
                    fleet.Kill(victim);
                    break;
                default:
                    fleet.Stop(victim);
                    break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(5_000)), TimeProvider.System);
            fleet.Start(victim);
        }

        await load;
        await scenario.WaitUntilWorkedOff(fleet.Running, Limit);
        for (int i = 0; i < fleet.Size; i++)
            fleet.Stop(i);
        Assert.That(fleet.Log.Where(l => l.Contains("is refused and rebuilt", StringComparison.Ordinal)), Is.Empty, "state goes on from disk");
        Assert.That(fleet.Log.Where(l => l.Contains("ends: the fleet has taken it for dead", StringComparison.Ordinal)), Is.Not.Empty, "a zombie has found that it is fenced");
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task A_fleet_that_is_stopped_and_started_in_another_order_finds_its_state()
    {
        // Replicas that have begun when all is stopped lack more.
        const int Lag = 50;
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 60_000, seed: 22);
        await scenario.Load(rate: 0);
        using ProcessFleet fleet = new(scenario, 3, "--Presence:AcceptableLag", $"{Lag}");
        for (int i = 0; i < fleet.Size; i++)
            fleet.Start(i);
        await scenario.WaitUntilWorkedOff(fleet.Running, Limit);
        // Replicas as well.
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);
        foreach (int i in new[] { 1, 0, 2 })
            fleet.Stop(i);
        fleet.ForgetLog();
        foreach (int i in new[] { 2, 1, 0 })
            fleet.Start(i);
        for (int i = 0; i < fleet.Size; i++)
            Assert.That(await fleet[i].WaitForLog("tasks to run here", TimeSpan.FromSeconds(30)), Is.True, string.Join('\n', fleet[i].Log));
        long[] replayed = [];
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < Limit && replayed.Length < 5 * Scenario.Partitions; await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System))
            replayed = [.. fleet.Log.Select(l => Regex.Match(l, "is restored: ([0-9]+) changelog records")).Where(m => m.Success).Select(m => long.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.That(replayed, Has.Length.GreaterThanOrEqualTo(5 * Scenario.Partitions));
        long all;
        using (Host.Kafka.KafkaLog log = scenario.OpenLog())
        {
            Core.Log.TopicPartition[] changelogs = [.. Enumerable.Range(0, Scenario.Partitions).Select(p => new Core.Log.TopicPartition($"{scenario.Prefix}-walk-in-changelog", p))];
            all = (await log.Admin.EndOffsets(changelogs, Core.Log.IsolationLevel.ReadUncommitted, CancellationToken.None)).Values.Sum();
        }

        Assert.That(replayed.Sum(), Is.LessThan(all / 20), $"of {all}: {string.Join(' ', replayed)}");
        Assert.That(replayed, Is.All.LessThanOrEqualTo(Lag), string.Join('\n', fleet.Log.Where(l => Regex.IsMatch(l, "Plan [0-9]+: |is restored: [1-9]"))));
        Assert.That(fleet.Log.Where(l => l.Contains("is refused and rebuilt", StringComparison.Ordinal)), Is.Empty);
        for (int i = 0; i < fleet.Size; i++)
            fleet.Stop(i);
        Verdict.AssertExact(scenario);
    }
}
