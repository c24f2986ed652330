using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Presence.Benchmarks;

/// <summary>
/// <c>failover</c>: standstills of a fleet under a steady load: the longest time that a partition's committed position does
/// not move, for each thing that happens to an instance. Loader and meter are the peer's, so that both are measured alike;
/// with <c>--peer</c> the peer's own script follows.
/// </summary>
internal static class Failover
{
    private const string Group = "presence-walk-in";
    private const int Partitions = 4;

    private sealed record Event(string What, long Longest, string ByPartition);

    private sealed record Member(string Name, PresenceProcess Process);

    public static Command Verb()
    {
        Option<double> rate = Common.Rate(2_000);
        Option<int> rounds = Common.Rounds(1);
        Option<bool> peer = Common.Peer();
        return Common.Verb("failover", "A fleet under load: the longest standstill of a partition when an instance is killed, stopped, comes back.", 3600, [rate, rounds, peer], (parsed, cancellation) =>
            Run(parsed.GetValue(rate), parsed.GetValue(rounds), parsed.GetValue(peer), cancellation));
    }

    private static async Task<int> Run(double rate, int rounds, bool withPeer, CancellationToken cancellation)
    {
        List<Event> events = [];
        await using (Broker broker = await Broker.Start())
        {
            await PresenceProcess.CreateTopics(broker.Bootstrap, Partitions);
            await Measure(broker.Bootstrap, rate, rounds, events, cancellation);
        }

        Report.Table(["event", "longest standstill, s", "by partition, s"], events.Select(e => (IReadOnlyList<string>)[e.What, Seconds(e.Longest), e.ByPartition]));
        Report.Json("failover", new { rate, rounds, events = events.Select(e => new { what = e.What, longest_ms = e.Longest }) });
        if (withPeer)
            Console.WriteLine(await Peer.Standstills(300_000, cancellation));
        return 0;
    }

    private static async Task Measure(string bootstrap, double rate, int rounds, List<Event> events, CancellationToken cancellation)
    {
        // Enough for the whole run.
        using Process loader = Peer.Java("Load", bootstrap, "100000000", "2", "200", rate.ToString(CultureInfo.InvariantCulture), "1712000000000");
        List<Member> fleet = [];
        try
        {
            foreach (string name in new[] { "a", "b" })
                fleet.Add(Start(bootstrap, name));
            await Ready(fleet, cancellation);
            await Gap("undisturbed", 10, () => Task.CompletedTask);
            for (int round = 0; round < rounds; round++)
            {
                Member planner = await Planner(fleet), other = fleet.First(f => f != planner);
                await Gap("kill -9", 20, other.Process.Kill);
                await ComesBack(other);
                planner = await Planner(fleet);
                await Gap("kill -9 of the planner", 20, planner.Process.Kill);
                await ComesBack(planner);
                planner = await Planner(fleet);
                other = fleet.First(f => f != planner);
                await Gap("clean stop", 15, other.Process.Stop);
                await ComesBack(other);
                await Gap("clean stop of the planner", 15, planner.Process.Stop);
                await ComesBack(planner);
            }

            fleet.Add(Start(bootstrap, "c"));
            await Gap("a third one joins", 20, () => Task.CompletedTask);
            await Ready(fleet, cancellation);
            await Gap("rolling restart of three", 60, async () =>
            {
                foreach (Member one in fleet)
                {
                    await one.Process.Stop();
                    one.Process.Start();
                    await Ready(fleet, cancellation);
                }
            });
        }
        finally
        {
            loader.Kill();
            foreach (Member one in fleet)
                await one.Process.DisposeAsync();
        }

        async Task ComesBack(Member one)
        {
            await Gap("comes back", 20, () =>
            {
                one.Process.Start();
                return Task.CompletedTask;
            });
            await Ready(fleet, cancellation);
        }

        async Task Gap(string what, int seconds, Func<Task> happens)
        {
            using Process meter = Peer.Java("Gap", bootstrap, Group, "probes", seconds.ToString(CultureInfo.InvariantCulture));
            await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancellation);
            await happens();
            // What goes on after the meter has ended is not in its figures.
            string name = meter.HasExited ? $"{what} (its first {seconds - 3} s)" : what;
            string output = (await meter.StandardOutput.ReadToEndAsync(cancellation)).Trim();
            await meter.WaitForExitAsync(cancellation);
            Report.Say($"{name,-28} {output.Replace("\n", " ", StringComparison.Ordinal)}");
            events.Add(Read(name, output));
        }
    }

    // The last line is the meter's result; a position that went back has a line of its own before it.
    private static Event Read(string what, string output)
    {
        string[] lines = output.Split('\n');
        if (lines.Length > 1 || !lines[0].StartsWith('{'))
            throw new InvalidOperationException($"{what}: the meter says: {output}");
        using JsonDocument gaps = JsonDocument.Parse(lines[0]);
        return new Event(what, gaps.RootElement.GetProperty("longest_ms").GetInt64(), string.Join(", ", gaps.RootElement.GetProperty("standstill_ms").EnumerateObject().Select(p => Seconds(p.Value.GetInt64()))));
    }

    // All have caught up, and every task runs with its replicas.
    private static async Task Ready(List<Member> fleet, CancellationToken cancellation)
    {
        for (int quiet = 0; quiet < 6;)
        {
            int active = 0, ready = 0;
            foreach (Member one in fleet)
            {
                one.Process.ThrowIfEnded();
                JsonNode? status = await one.Process.Status();
                active += (int?)status?["totals"]?["running"] ?? 0;
                ready += (int?)status?["totals"]?["standbysReady"] ?? 0;
            }

            quiet = active == PresenceProcess.Tasks(Partitions) && ready == active ? quiet + 1 : 0;
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, cancellation);
        }
    }

    private static async Task<Member> Planner(List<Member> fleet)
    {
        string? name = (string?)(await fleet[0].Process.Status())?["fleet"]?["planner"];
        return fleet.Find(f => f.Name == name) ?? throw new InvalidOperationException($"the planner '{name}' is none of the fleet");
    }

    private static Member Start(string bootstrap, string name) => new(name, PresenceProcess.Start(bootstrap, 1, new Dictionary<string, string> { ["Presence__InstanceId"] = name }));

    private static string Seconds(long milliseconds) => (milliseconds / 1000.0).ToString("0.00", CultureInfo.InvariantCulture);
}
