using System.Diagnostics;
using Presence.Tests.Kafka;

namespace Presence.Tests.EndToEnd;

/// <summary>
/// A real broker and a real process under load, killed, stopped and continued at random for as long as asked for; in the
/// end everything is held against the definition.
/// </summary>
internal static class Chaos
{
    /// <summary>Throws when something is lost, doubled or not worked off. Returns how often each thing was done.</summary>
    public static async Task<IReadOnlyDictionary<string, int>> Run(TimeSpan length, int rate, int seed, Action<string> report, CancellationToken cancellation)
    {
        Random random = new(seed);
        Dictionary<string, int> done = [];
        string state = Directory.CreateTempSubdirectory("presence-chaos-").FullName;
        using TestKafka.PrivateBroker broker = TestKafka.StartPrivate();
        PresenceProcess? presence = null;
        try
        {
            Scenario scenario = await Scenario.Create(broker.Bootstrap, (int)(rate * length.TotalSeconds), seed);
            Task load = scenario.Load(rate);
            presence = PresenceProcess.Start(scenario.Arguments(state));
            Stopwatch watch = Stopwatch.StartNew();
            while (watch.Elapsed < length && !cancellation.IsCancellationRequested)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1_000 + random.Next(6_000)), TimeProvider.System, cancellation);
                if (presence.HasExited)
                    throw new InvalidOperationException($"Presence ended by itself:\n{string.Join('\n', presence.Log.TakeLast(40))}");
                string what = random.Next(10) switch
                {
                    < 5 => "SIGKILL",
                    < 8 => "SIGSTOP",
                    < 9 => "SIGTERM",
                    _ => "broker killed",
                };
                TimeSpan span = TimeSpan.FromMilliseconds(500 + random.Next(8_000));
                done[what] = done.GetValueOrDefault(what) + 1;
                report($"{watch.Elapsed.TotalSeconds:0} s: {what}");
                switch (what)
                {
                    case "SIGKILL":
                        presence.Kill();
                        break;
                    case "SIGTERM":
                        if (presence.Stop() != 0)
                            throw new InvalidOperationException($"Presence did not end cleanly:\n{string.Join('\n', presence.Log.TakeLast(40))}");
                        break;
                    case "SIGSTOP":
                        presence.Signal("STOP");
                        await Task.Delay(span, TimeProvider.System, cancellation);
                        presence.Signal("CONT");
                        continue;
                    default:
                        broker.Kill();
                        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellation);
                        broker.Up();
                        continue;
                }

                presence.Dispose();
                presence = PresenceProcess.Start(scenario.Arguments(state));
            }

            await load.WaitAsync(TimeSpan.FromMinutes(5), cancellation);
            report($"{watch.Elapsed.TotalSeconds:0} s: everything is written; working off");
            await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(5));
            if (presence.Stop() != 0)
                throw new InvalidOperationException("Presence did not end cleanly");
            Verdict.AssertExact(scenario);
            return done;
        }
        finally
        {
            presence?.Dispose();
            Directory.Delete(state, recursive: true);
        }
    }
}
