using System.CommandLine;
using System.Diagnostics;

namespace Presence.Benchmarks;

/// <summary>
/// <c>hotkey</c> and <c>hotpartition</c>: one device sends half of all probes, or one partition gets 80 % of them. Measured
/// first on a loaded topic, as <c>bench</c> does: throughput and price of the steady part, and for each partition when its
/// probes were worked off. Then under a steady load that goes on for a while: the lag in probes of each partition, sampled
/// five times a second, that of the partition that has much beside the largest among the others.
/// </summary>
internal static class Hot
{
    private const int Seed = 1;
    private const double PartitionShare = 0.8;

    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(200);

    public static Command KeyVerb() => Verb("hotkey", "One device sends half of all probes: throughput, and the lag of the others.", SkewedMix.PartitionOfHotKey, _ => SkewedMix.HotKey(Seed));

    public static Command PartitionVerb() => Verb("hotpartition", "One partition gets 80 % of the probes: throughput, and the lag of the others.", _ => 0, partitions => SkewedMix.HotPartition(Seed, partitions, PartitionShare));

    private static Command Verb(string name, string description, Func<int, int> hot, Func<int, ILoad> mix)
    {
        Option<long> records = Common.Records(2_000_000);
        Option<double> rate = Common.Rate(10_000), seconds = new("--seconds") { Description = "How long the steady load lasts.", DefaultValueFactory = _ => 30 };
        Option<int> partitions = Common.Partitions(), workers = Common.Workers();
        return Common.Verb(name, description, 1800, [records, rate, seconds, partitions, workers], (parsed, cancellation) =>
        {
            int count = parsed.GetValue(partitions);
            return Run(name, hot(count), mix(count), parsed.GetValue(records), parsed.GetValue(rate), parsed.GetValue(seconds), count, parsed.GetValue(workers), cancellation);
        });
    }

    private static async Task<int> Run(string name, int hot, ILoad mix, long records, double rate, double seconds, int partitions, int workers, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
        Loader.Load(broker.Bootstrap, mix, records, cancellation);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        long[] ends = await progress.ProbeEnds();
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
        Task<WorkOff> following = WorkOff.FollowToTheEnd(presence, progress, 0, records, cancellation);
        double[] done = await Finished(progress, ends, following, cancellation);
        WorkOff work = await following;
        (Latencies ofHot, Latencies ofOthers) = await Lags(broker, presence, progress, mix, hot, rate, seconds, cancellation);

        Report.Table(
            ["partition", "probes", "worked off after, s"],
            Enumerable.Range(0, partitions).Select(p => (IReadOnlyList<string>)[p == hot ? $"{p} (hot)" : $"{p}", Report.Number(ends[p]), Report.Number(done[p])]));
        Report.Table(
            ["records/s", "CPU s per million", "Gen0 / 1 / 2", "MiB allocated per million"],
            [[Report.Number(work.RecordsPerSecond), Report.Number(work.CpuPerMillion), RuntimeFigures.Collections(work.Runtime), RuntimeFigures.AllocatedPerMillion(work.Runtime, work.SteadyProbes)]]);
        Report.Table(
            ["lag under a steady load, probes", "p50", "p99", "max"],
            [Row("the hot partition", ofHot), Row("the largest of the others", ofOthers)]);
        Report.Json(name, new
        {
            records,
            rate,
            partitions,
            workers,
            records_per_s = Report.Round(work.RecordsPerSecond, 0),
            cpu_s_per_million = Report.Round(work.CpuPerMillion),
            worked_off_s = done.Select(d => Report.Round(d, 1)),
            lag_hot = new { p50 = ofHot.At(0.5), p99 = ofHot.At(0.99), max = ofHot.Max },
            lag_others = new { p50 = ofOthers.At(0.5), p99 = ofOthers.At(0.99), max = ofOthers.Max },
            runtime = work.Runtime,
        });
        return 0;
    }

    // Seconds until the probes of each partition were worked off, from now.
    private static async Task<double[]> Finished(Progress progress, long[] ends, Task following, CancellationToken cancellation)
    {
        double[] done = new double[ends.Length];
        long began = Stopwatch.GetTimestamp();
        while (done.Contains(0) && !following.IsCompleted)
        {
            long[] committed = await progress.Probes();
            for (int p = 0; p < ends.Length; p++)
            {
                if (done[p] == 0 && committed[p] >= ends[p])
                    done[p] = Stopwatch.GetElapsedTime(began).TotalSeconds;
            }

            await Task.Delay(Sample, TimeProvider.System, cancellation);
        }

        return done;
    }

    private static async Task<(Latencies Hot, Latencies Others)> Lags(Broker broker, PresenceProcess presence, Progress progress, ILoad mix, int hot, double rate, double seconds, CancellationToken cancellation)
    {
        List<double> ofHot = [], ofOthers = [];
        using Loader loader = new(broker.Bootstrap, mix);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task load = loader.Steadily(rate, stop.Token);
        try
        {
            for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < seconds && !load.IsCompleted;)
            {
                presence.ThrowIfEnded();
                // Positions after the ends: a lag is never said to be larger than it was.
                long[] ends = await progress.ProbeEnds(), committed = await progress.Probes();
                long[] lags = [.. ends.Zip(committed, (end, position) => Math.Max(0, end - position))];
                ofHot.Add(lags[hot]);
                ofOthers.Add(lags.Where((_, p) => p != hot).DefaultIfEmpty().Max());
                await Task.Delay(Sample, TimeProvider.System, cancellation);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }

        return (new Latencies(ofHot, 0), new Latencies(ofOthers, 0));
    }

    private static IReadOnlyList<string> Row(string what, Latencies lags) => [what, Report.Number((long)lags.At(0.5)), Report.Number((long)lags.At(0.99)), Report.Number((long)lags.Max)];
}
