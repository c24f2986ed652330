using System.Diagnostics;
using Presence.Tests.Kafka;

namespace Presence.Tests.EndToEnd;

/// <summary>
/// Real brokers and a real fleet under load, killed, stopped and continued at random for as long as asked for; in the end
/// everything is held against the definition.
/// </summary>
internal static class Chaos
{
    /// <summary>
    /// Throws when something is lost, doubled or not worked off, or when a store was rebuilt that had a usable copy.
    /// Returns how often each thing was done.
    /// </summary>
    public static async Task<IReadOnlyDictionary<string, int>> Run(TimeSpan length, int rate, int seed, int instances, int brokers, Action<string> report, CancellationToken cancellation)
    {
        Random random = new(seed);
        Dictionary<string, int> done = [];
        using TestKafka.PrivateBroker broker = TestKafka.StartPrivate(brokers);
        Scenario scenario = await Scenario.Create(broker.Bootstrap, (int)(rate * length.TotalSeconds), seed);
        using ProcessFleet fleet = new(scenario, instances);
        for (int i = 0; i < instances; i++)
            fleet.Start(i);
        Task load = scenario.Load(rate);
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < length && !cancellation.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1_000 + random.Next(8_000)), TimeProvider.System, cancellation);
            if (fleet.Running.FirstOrDefault(p => p.HasExited) is { } exited)
                throw new InvalidOperationException($"Presence ended by itself:\n{string.Join('\n', exited.Log.TakeLast(40))}");
            int victim = random.Next(instances), node = 1 + random.Next(brokers);
            string what = random.Next(12) switch
            {
                < 5 => "SIGKILL",
                < 8 => "SIGSTOP",
                < 9 => "SIGTERM",
                < 10 => "disk wiped",
                _ => "broker killed",
            };
            TimeSpan span = TimeSpan.FromMilliseconds(3_000 + random.Next(17_000));
            done[what] = done.GetValueOrDefault(what) + 1;
            report($"{watch.Elapsed.TotalSeconds:0} s: {what}, {(what == "broker killed" ? $"broker {node}" : $"instance {victim}")}");
            switch (what)
            {
                case "SIGKILL":
                    fleet.Kill(victim);
                    break;
                case "disk wiped":
                    fleet.Kill(victim);
                    fleet.Wipe(victim);
                    break;
                case "SIGTERM":
                    fleet.Stop(victim);
                    break;
                case "SIGSTOP":
                    fleet[victim].Signal("STOP");
                    await Task.Delay(span, TimeProvider.System, cancellation);
                    fleet[victim].Signal("CONT");
                    continue;
                default:
                    broker.Kill(node);
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(10_000)), TimeProvider.System, cancellation);
                    broker.Up(node);
                    continue;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(6_000)), TimeProvider.System, cancellation);
            fleet.Start(victim);
        }

        await load.WaitAsync(TimeSpan.FromMinutes(5), cancellation);
        report($"{watch.Elapsed.TotalSeconds:0} s: everything is written; working off");
        await scenario.WaitUntilWorkedOff(fleet.Running, TimeSpan.FromMinutes(5));
        for (int i = 0; i < instances; i++)
            fleet.Stop(i);
        string[] refused = [.. fleet.Log.Where(l => l.Contains("is refused and rebuilt", StringComparison.Ordinal))];
        if (refused.Length > 0)
            throw new InvalidOperationException($"{refused.Length} stores were rebuilt that had a usable copy: {refused[0]}");
        Verdict.AssertExact(scenario);
        return done;
    }
}
