using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Presence.Benchmarks;

/// <summary>Scenarios on the whole system: a real broker, and Presence as its own process.</summary>
internal static class WholeSystem
{
    private const int Venues = 200;
    private const int Seed = 1;

    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(500);

    /// <summary>Works off a loaded topic; the price is that of 20 % to 90 % of the probes.</summary>
    public static async Task<int> Bench(long records, int partitions, int workers, bool withPeer, TimeSpan limit, CancellationToken cancellation)
    {
        double price = 0, pace = 0;
        await using (Broker broker = await Broker.Start())
        {
            await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
            Say($"loading {records} probes");
            Loader.Load(broker.Bootstrap, new RecordMix(Seed, Venues, RecordMix.DefaultStart), records, rate: 0, cancellation);
            using Progress progress = new(broker.Bootstrap, "presence", partitions);
            await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
            (List<Point> points, bool done) = await WorkOff(presence, progress, records, limit, cancellation);
            (double _, double peak) = presence.MemoryMiB();
            Point low = points.First(p => p.Probes >= 0.2 * records || p == points[^1]), high = points.First(p => p.Probes >= 0.9 * records || p == points[^1]);
            long span = high.Probes - low.Probes;
            if (span <= 0)
                throw new InvalidOperationException($"Presence did not get from 20 % to 90 % of the probes within {limit.TotalSeconds:0} s: {points[^1]}. Its log ends:\n{presence.Log}");
            price = (high.Cpu - low.Cpu) / span * 1e6;
            pace = span / (high.Seconds - low.Seconds);
            Print("presence", new
            {
                records,
                partitions,
                workers,
                done,
                steady_records_per_s = Math.Round(pace),
                steady_cpu_s_per_million = Math.Round(price, 2),
                all_done_s = Math.Round(points[^1].Seconds, 1),
                all_done_cpu_s = Math.Round(points[^1].Cpu, 1),
                peak_rss_mib = Math.Round(peak),
                commit_ms = await presence.CommitLatency() is { } commits ? $"p50 up to {commits.P50:0}, p99 up to {commits.P99:0}, of {commits.Count}" : "not known",
            });
        }

        if (withPeer)
            await BesideThePeer(records, partitions, workers, price, pace, limit);
        return 0;
    }

    /// <summary>A steady load for a while: memory must stay flat, and nothing be left at the end.</summary>
    public static async Task<int> Soak(double minutes, double rate, int partitions, int workers, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
        long records = (long)(minutes * 60 * rate);
        Task<long> load = Task.Run(() => Loader.Load(broker.Bootstrap, new RecordMix(Seed, Venues, RecordMix.DefaultStart), records, rate, cancellation), cancellation);
        long began = Stopwatch.GetTimestamp();
        TimeSpan interval = TimeSpan.FromSeconds(Math.Clamp(minutes * 60 / 20, 1, 60));
        while (!load.IsCompleted)
        {
            await Task.WhenAny(load, Task.Delay(interval, TimeProvider.System, cancellation));
            await Report(began, presence, progress);
        }

        await load;
        (List<Point> points, bool done) = await WorkOff(presence, progress, records, TimeSpan.FromMinutes(2), cancellation);
        await Report(began, presence, progress);
        Print("soak", new { records, rate, done, worked_off_s = Math.Round(points[^1].Seconds, 1), peak_rss_mib = Math.Round(presence.MemoryMiB().Peak) });
        return done ? 0 : 1;
    }

    private static async Task Report(long began, PresenceProcess presence, Progress progress)
    {
        ThrowIfEnded(presence);
        (long probes, long lag) = await progress.Look();
        Say(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s: {probes} probes, lag {lag}, {presence.MemoryMiB().Now:0} MiB, {presence.CpuSeconds():0.0} CPU s"));
    }

    private sealed record Point(double Seconds, double Cpu, long Probes, long Lag);

    // Until everything that is there has been worked off: a quiet lag near nothing (commit markers take offsets).
    private static async Task<(List<Point> Points, bool Done)> WorkOff(PresenceProcess presence, Progress progress, long records, TimeSpan limit, CancellationToken cancellation)
    {
        List<Point> points = [];
        long began = Stopwatch.GetTimestamp();
        int quiet = 0;
        while (quiet < 4)
        {
            cancellation.ThrowIfCancellationRequested();
            ThrowIfEnded(presence);
            (long probes, long lag) = await progress.Look();
            points.Add(new Point(Stopwatch.GetElapsedTime(began).TotalSeconds, presence.CpuSeconds(), probes, lag));
            quiet = probes >= records && lag == 0 ? quiet + 1 : 0;
            if (Stopwatch.GetElapsedTime(began) > limit)
                return (points, false);
            await Task.Delay(Sample, TimeProvider.System, cancellation);
        }

        return (points, true);
    }

    private static async Task BesideThePeer(long records, int partitions, int workers, double price, double pace, TimeSpan limit)
    {
        if (!File.Exists(Paths.Peer))
        {
            Say($"There is no {Paths.Peer}: the peer is left out.");
            return;
        }

        Say("the peer");
        string output = await Shell.Run("bash", [Paths.Peer, Text(records), Text(partitions), Text(workers)], limit + TimeSpan.FromMinutes(5), new Dictionary<string, string> { ["PORT"] = Text(FreePort.Pair()) });
        string line = output.Split('\n').First(l => l.StartsWith("{\"records\"", StringComparison.Ordinal));
        using JsonDocument peer = JsonDocument.Parse(line);
        double peerPrice = peer.RootElement.GetProperty("steady_cpu_s_per_million").GetDouble(), peerPace = peer.RootElement.GetProperty("steady_records_per_s").GetDouble();
        Console.WriteLine($"peer {line.Trim()}");
        Print("ratio", new { records_per_cpu_second = Math.Round(peerPrice / price, 2), records_per_second = Math.Round(pace / peerPace, 2) });
    }

    private static void ThrowIfEnded(PresenceProcess presence)
    {
        if (presence.HasEnded)
            throw new InvalidOperationException($"Presence has ended. Its log ends:\n{presence.Log}");
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Say(string text) => Console.Error.WriteLine(text);

    private static void Print(string what, object figures) => Console.WriteLine($"{what} {JsonSerializer.Serialize(figures)}");
}
