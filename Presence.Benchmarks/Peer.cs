using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Presence.Benchmarks;

/// <summary>The peer on Kafka Streams: its scripts, its meters, and the peer itself as a process.</summary>
internal sealed class Peer : IAsyncDisposable
{
    private const string Group = "peer";

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("presence-bench-peer-").FullName;
    private readonly string _bootstrap;
    private readonly int _partitions;
    private Process? _process;
    private DateTimeOffset _startedAt;

    /// <summary>Stopped, on a broker that has <see cref="CreateTopics"/>.</summary>
    public Peer(string bootstrap, int partitions)
    {
        _bootstrap = bootstrap;
        _partitions = partitions;
    }

    private string LogFile => Path.Combine(_directory, "out.log");

    /// <summary>What its script prints that works off loaded topics.</summary>
    public static Task<string> Bench(long records, int partitions, int threads, CancellationToken cancellation) => Script("bench-streams", cancellation, Text(records), Text(partitions), Text(threads));

    /// <summary>What its script prints that measures standstills.</summary>
    public static Task<string> Standstills(long records, CancellationToken cancellation) => Script("bench-streams-failover", cancellation, Text(records));

    /// <summary>Starts one of its programs, with its output redirected.</summary>
    public static Process Java(string program, params string[] arguments)
    {
        ThrowIfMissing();
        ProcessStartInfo start = new("java", [.. Options(), program, .. arguments]) { RedirectStandardOutput = true };
        return Process.Start(start)!;
    }

    /// <summary>Its topics, as its scripts make them.</summary>
    public static async Task CreateTopics(string bootstrap, int partitions)
    {
        string[] plain = ["probes", "crm-contacts", "crm-logins", "walk-ins", "visits-ended", "enriched-walk-ins"], compacted = ["device-to-contact", "walk-in-counts"];
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync(plain.Concat(compacted).Select(t => new TopicSpecification
        {
            Name = t,
            NumPartitions = partitions,
            Configs = compacted.Contains(t) ? new Dictionary<string, string> { ["cleanup.policy"] = "compact" } : null,
        }));
    }

    /// <summary>Starts it, without standbys.</summary>
    public void Start(int threads)
    {
        ThrowIfMissing();
        _process?.Dispose();
        File.Delete(LogFile);
        ProcessStartInfo start = new("/bin/sh", ["-c", "exec java \"$@\" >>out.log 2>&1 </dev/null", "sh", "-Xmx2g", .. Options(), "PresenceStreams", _bootstrap, Path.Combine(_directory, "state"), Text(threads), "0", Group])
        {
            WorkingDirectory = _directory,
        };
        _startedAt = TimeProvider.System.GetUtcNow();
        _process = Process.Start(start)!;
    }

    /// <summary>Waits until it has committed so many probes.</summary>
    public async Task Commits(long probes, CancellationToken cancellation)
    {
        using IConsumer<Ignore, Ignore> group = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = _bootstrap, GroupId = Group, EnableAutoCommit = false }).Build();
        TopicPartition[] all = [.. Enumerable.Range(0, _partitions).Select(p => new TopicPartition("probes", p))];
        while (await Progress.Repeated(() => Task.Run(() => group.Committed(all, TimeSpan.FromSeconds(20)).Sum(p => Math.Max(0, p.Offset.Value)), cancellation), cancellation) < probes)
            await Pause(cancellation);
    }

    /// <summary>
    /// Waits until it says that it runs. Returns the seconds from its start, CPU seconds, the changelog records it says it has restored,
    /// and the seconds between the begin of the first of its stores' restores and the end of the last one.
    /// </summary>
    public async Task<(double Seconds, double Cpu, long Restored, double Restoring)> Runs(CancellationToken cancellation)
    {
        while (true)
        {
            string[] lines = File.Exists(LogFile) ? File.ReadAllLines(LogFile) : [];
            double cpu = ProcessCost.CpuSeconds(_process!.Id);
            if (Array.Find(lines, l => l.EndsWith("REBALANCING -> RUNNING", StringComparison.Ordinal)) is { } line)
            {
                double seconds = (Number(line.Split(' ')[0]) - _startedAt.ToUnixTimeMilliseconds()) / 1000.0;
                // "<ms> restored <partition> <records> in <ms> ms"
                string[][] restores = [.. lines.Where(l => l.Contains(" restored ", StringComparison.Ordinal)).Select(l => l.Split(' '))];
                long restored = restores.Sum(r => Number(r[3]));
                double restoring = restores.Length == 0 ? 0 : (restores.Max(r => Number(r[0])) - restores.Min(r => Number(r[0]) - Number(r[5]))) / 1000.0;
                return (seconds, cpu, restored, restoring);
            }

            await Pause(cancellation);
        }
    }

    /// <summary>Stops it, the hard way when it takes too long, and deletes its state.</summary>
    public async Task StopAndWipe()
    {
        await End();
        Directory.Delete(Path.Combine(_directory, "state"), recursive: true);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
            await End();
        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task End()
    {
        await Shell.Run("kill", ["-TERM", Text(_process!.Id)], TimeSpan.FromSeconds(5));
        using CancellationTokenSource limit = new(StopLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }
    }

    private Task Pause(CancellationToken cancellation) => _process!.HasExited
        ? throw new InvalidOperationException($"The peer has ended. Its log ends:\n{string.Join('\n', File.ReadLines(LogFile).TakeLast(15))}")
        : Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellation);

    private static Task<string> Script(string name, CancellationToken cancellation, params string[] arguments)
    {
        ThrowIfMissing();
        return Shell.Run("bash", [Path.Combine(Paths.Peer, name), .. arguments], TimeSpan.FromMinutes(20), new Dictionary<string, string> { ["PORT"] = Text(FreePort.Pair()) }, cancellation);
    }

    private static IEnumerable<string> Options()
    {
        string kafka = Path.GetFullPath(Path.Combine(Paths.Peer, "../kafka"));
        return [$"-Dlog4j2.configurationFile={kafka}/log4j2.properties", "-Dkafka.log.level=ERROR", "-cp", $"{Paths.Peer}/peer.jar:{Paths.Peer}/libs/*:{kafka}/libs/*"];
    }

    private static void ThrowIfMissing()
    {
        if (!File.Exists(Path.Combine(Paths.Peer, "peer.jar")))
            throw new FileNotFoundException($"There is no peer in {Paths.Peer}.");
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
