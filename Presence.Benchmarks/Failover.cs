using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Presence.Benchmarks;

/// <summary>
/// Standstills of a fleet under a steady load: the longest time that a partition's committed position does not move, for
/// each thing that happens to an instance. Loader and meter are the peer's, so that both are measured alike.
/// </summary>
internal static class Failover
{
    private const string Group = "presence-walk-in";

    /// <summary>Prints a line for each event; with <paramref name="withPeer"/> the peer's figures after it.</summary>
    public static async Task<int> Run(double rate, int rounds, bool withPeer, CancellationToken cancellation)
    {
        if (!File.Exists(Paths.PeerFailover))
            throw new FileNotFoundException($"There is no {Paths.PeerFailover}: the loader and the meter are the peer's.");
        await using (Broker broker = await Broker.Start())
        {
            await PresenceProcess.CreateTopics(broker.Bootstrap, 4);
            await Measure(broker.Bootstrap, rate, rounds, cancellation);
        }

        if (withPeer)
            Console.WriteLine(await Shell.Run("bash", [Paths.PeerFailover, "300000"], TimeSpan.FromMinutes(12), new Dictionary<string, string> { ["PORT"] = FreePort.Pair().ToString(CultureInfo.InvariantCulture) }));
        return 0;
    }

    private static async Task Measure(string bootstrap, double rate, int rounds, CancellationToken cancellation)
    {
        // Enough for the whole run.
        using Process loader = Java("Load", bootstrap, "100000000", "2", "200", Text(rate), "1712000000000");
        List<Fleet> fleet = [];
        try
        {
            foreach (string name in new[] { "a", "b" })
                fleet.Add(new Fleet(bootstrap, name));
            await Ready(fleet, cancellation);
            await Gap("undisturbed", bootstrap, 10, () => Task.CompletedTask);
            for (int round = 0; round < rounds; round++)
            {
                Fleet planner = await Planner(fleet), other = fleet.First(f => f != planner);
                await Gap("kill -9", bootstrap, 20, () => other.Kill());
                await Gap("comes back", bootstrap, 20, () => other.Start());
                await Ready(fleet, cancellation);
                planner = await Planner(fleet);
                await Gap("kill -9 of the planner", bootstrap, 20, () => planner.Kill());
                await Gap("comes back", bootstrap, 20, () => planner.Start());
                await Ready(fleet, cancellation);
                planner = await Planner(fleet);
                other = fleet.First(f => f != planner);
                await Gap("clean stop", bootstrap, 15, () => other.Stop());
                await Gap("comes back", bootstrap, 20, () => other.Start());
                await Ready(fleet, cancellation);
                await Gap("clean stop of the planner", bootstrap, 15, () => planner.Stop());
                await Gap("comes back", bootstrap, 20, () => planner.Start());
                await Ready(fleet, cancellation);
            }

            fleet.Add(new Fleet(bootstrap, "c"));
            await Gap("a third one joins", bootstrap, 20, () => Task.CompletedTask);
            await Ready(fleet, cancellation);
            await Gap("rolling restart of three", bootstrap, 60, async () =>
            {
                foreach (Fleet one in fleet)
                {
                    await one.Stop();
                    await one.Start();
                    await Ready(fleet, cancellation);
                }
            });
        }
        finally
        {
            loader.Kill();
            foreach (Fleet one in fleet)
                await one.DisposeAsync();
        }
    }

    private static async Task Gap(string what, string bootstrap, int seconds, Func<Task> happens)
    {
        using Process meter = Java("Gap", bootstrap, Group, "probes", seconds.ToString(CultureInfo.InvariantCulture));
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);
        await happens();
        string output = await meter.StandardOutput.ReadToEndAsync();
        await meter.WaitForExitAsync();
        Console.WriteLine($"{what,-28} {output.Trim().Replace("\n", " ", StringComparison.Ordinal)}");
    }

    // All have caught up, and every task runs with its replicas.
    private static async Task Ready(List<Fleet> fleet, CancellationToken cancellation)
    {
        for (int quiet = 0; quiet < 6;)
        {
            int active = 0, ready = 0;
            foreach (Fleet one in fleet)
            {
                JsonNode? status = await one.Status();
                active += (int?)status?["totals"]?["running"] ?? 0;
                ready += (int?)status?["totals"]?["standbysReady"] ?? 0;
            }

            quiet = active == 20 && ready == 20 ? quiet + 1 : 0;
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, cancellation);
        }
    }

    private static async Task<Fleet> Planner(List<Fleet> fleet)
    {
        string? name = (string?)(await fleet[0].Status())?["fleet"]?["planner"];
        return fleet.Find(f => f.Name == name) ?? throw new InvalidOperationException($"the planner '{name}' is none of the fleet");
    }

    private static Process Java(string program, params string[] arguments)
    {
        string shared = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Paths.PeerFailover)!, ".."));
        ProcessStartInfo start = new("java", [$"-Dlog4j2.configurationFile={shared}/kafka/log4j2.properties", "-Dkafka.log.level=ERROR", "-cp", $"{shared}/peer/peer.jar:{shared}/peer/libs/*:{shared}/kafka/libs/*", program, .. arguments])
        {
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    // One instance, whatever process it has at the moment.
    private sealed class Fleet : IAsyncDisposable
    {
        private readonly string _bootstrap;
        private readonly string _directory = Directory.CreateTempSubdirectory("presence-bench-fleet-").FullName;
        private readonly HttpClient _client;
        private Process _process;

        public Fleet(string bootstrap, string name)
        {
            _bootstrap = bootstrap;
            Name = name;
            Url = $"http://127.0.0.1:{FreePort.One()}";
            _client = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromSeconds(5) };
            _process = Launch();
        }

        public string Name { get; }

        private string Url { get; }

        public async Task<JsonNode?> Status()
        {
            try
            {
                return await _client.GetFromJsonAsync<JsonNode>("/api/status");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                return null;
            }
        }

        public async Task Kill()
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        public async Task Stop()
        {
            await Shell.Run("kill", ["-TERM", Text(_process.Id)], TimeSpan.FromSeconds(5));
            await _process.WaitForExitAsync();
        }

        public Task Start()
        {
            _process.Dispose();
            _process = Launch();
            return Task.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
                await Kill();
            _process.Dispose();
            _client.Dispose();
            Directory.Delete(_directory, recursive: true);
        }

        private Process Launch()
        {
            ProcessStartInfo start = new("/bin/sh", ["-c", "exec dotnet \"$0\" run >>out.log 2>&1 </dev/null", Paths.Presence]) { WorkingDirectory = _directory };
            start.Environment["Kafka__BootstrapServers"] = _bootstrap;
            start.Environment["Presence__StateDirectory"] = Path.Combine(_directory, "state");
            start.Environment["Presence__InstanceId"] = Name;
            start.Environment["Presence__Workers"] = "1";
            start.Environment["Presence__HttpUrl"] = Url;
            start.Environment["DOTNET_ENVIRONMENT"] = "Production";
            return Process.Start(start)!;
        }
    }
}
