using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Presence.Benchmarks;

/// <summary>
/// <c>soak</c>: a steady load for a while, after so much of it at full speed that caches and queues have grown to what they
/// are allowed, and a while in which what that has left is collected. Memory should stay flat, no collection of generation 2
/// come, and nothing must be left at the end (exit code 1 otherwise). A line in twenty steps says what was added since the one
/// before.
/// </summary>
internal static class Soak
{
    private const int Seed = 1;
    private const int Steps = 20;

    private static readonly TimeSpan TailLimit = TimeSpan.FromMinutes(2);

    private sealed record Point(double Seconds, long Probes, long Lag, double MiB, double Cpu, RuntimeFigures? Runtime);

    public static Command Verb()
    {
        Option<double> minutes = new("--minutes") { Description = "How long.", DefaultValueFactory = _ => 10 };
        Option<double> rate = Common.Rate(5_000);
        Option<long> warmUp = new("--warm-up") { Description = "Probes worked off before, as fast as it goes.", DefaultValueFactory = _ => 4_000_000 };
        Option<double> settle = new("--settle") { Description = "Seconds of the steady load before the first look.", DefaultValueFactory = _ => 150 };
        Option<int> partitions = Common.Partitions(), workers = Common.Workers();
        return Common.Verb("soak", "A steady load: memory, collections and CPU over time, lag at the end.", 24 * 3600, [minutes, rate, warmUp, settle, partitions, workers], (parsed, cancellation) =>
            Run(parsed.GetValue(minutes), parsed.GetValue(rate), parsed.GetValue(warmUp), parsed.GetValue(settle), parsed.GetValue(partitions), parsed.GetValue(workers), cancellation));
    }

    private static async Task<int> Run(double minutes, double rate, long warmUp, double settle, int partitions, int workers, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
        await presence.Runs(PresenceProcess.Tasks(partitions), cancellation);
        using Loader loader = new(broker.Bootstrap, new RecordMix(Seed, RecordMix.DefaultVenues, RecordMix.DefaultStart));
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await loader.Steadily(0, stop.Token, warmUp);
        await WorkOff.FollowToTheEnd(presence, progress, 0, warmUp, cancellation);
        long settled = (long)(settle * rate), records = (long)(minutes * 60 * rate);
        Task load = loader.Steadily(rate, stop.Token, settled + records);
        TimeSpan interval = TimeSpan.FromSeconds(Math.Clamp(minutes * 60 / Steps, 1, 60));
        List<Point> points = [];
        long began;
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(settle), TimeProvider.System, cancellation);
            began = Stopwatch.GetTimestamp();
            points.Add(await Look(began, presence, progress));
            while (!load.IsCompleted)
            {
                await Task.WhenAny(load, Task.Delay(interval, TimeProvider.System, cancellation));
                points.Add(await Look(began, presence, progress));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }

        WorkOff rest = await WorkOff.Follow(presence, progress, warmUp, settled + records, TailLimit, cancellation);
        points.Add(await Look(began, presence, progress));
        Report.Table(
            ["s", "probes", "lag", "MiB", "CPU s per million", "Gen0 / 1 / 2", "MiB allocated per million"],
            points.Skip(1).Zip(points, (now, before) => Row(now, before)));

        Point first = points[0], last = points[^1];
        RuntimeFigures? runtime = Added(last, first);
        Report.Json("soak", new
        {
            warmUp,
            settled,
            records,
            rate,
            done = rest.IsDone,
            worked_off_s = Report.Round(rest.Seconds, 1),
            peak_rss_mib = Report.Round(presence.MemoryMiB().Peak, 0),
            cpu_s_per_million = Report.Round((last.Cpu - first.Cpu) / Math.Max(1, last.Probes - first.Probes) * 1e6),
            runtime,
            gen0_per_million = runtime is null ? null : (double?)Report.Round(runtime.Gen0 / (double)Math.Max(1, last.Probes - first.Probes) * 1e6),
        });
        return rest.IsDone ? 0 : 1;
    }

    private static async Task<Point> Look(long began, PresenceProcess presence, Progress progress)
    {
        presence.ThrowIfEnded();
        (long probes, long lag) = await progress.Look();
        Point point = new(Stopwatch.GetElapsedTime(began).TotalSeconds, probes, lag, presence.MemoryMiB().Now, presence.CpuSeconds(), await RuntimeFigures.Of(presence));
        Report.Say(string.Create(CultureInfo.InvariantCulture, $"{point.Seconds:0} s: {probes} probes, lag {lag}, {point.MiB:0} MiB, {point.Cpu:0.0} CPU s, Gen0 / 1 / 2 {RuntimeFigures.Collections(point.Runtime)}"));
        return point;
    }

    private static IReadOnlyList<string> Row(Point now, Point before)
    {
        long probes = now.Probes - before.Probes;
        RuntimeFigures? runtime = Added(now, before);
        return
        [
            Report.Number(now.Seconds), Report.Number(now.Probes), Report.Number(now.Lag), Report.Number(now.MiB),
            probes > 0 ? Report.Number((now.Cpu - before.Cpu) / probes * 1e6) : "", RuntimeFigures.Collections(runtime), probes > 0 ? RuntimeFigures.AllocatedPerMillion(runtime, probes) : "",
        ];
    }

    private static RuntimeFigures? Added(Point now, Point before) => now.Runtime is { } n && before.Runtime is { } b ? n.Since(b) : null;
}
