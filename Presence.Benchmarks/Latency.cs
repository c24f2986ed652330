using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Presence.Benchmarks;

/// <summary>
/// <c>latency</c>: how long it takes from a probe to its results, under loads that are shares of the capacity, for each
/// commit interval. Measured of visitors that log in before they come: from the broker's append of the probe that makes them present (log
/// append time, whole ms) to the moment a read_committed consumer in this process has in hand (a) the enriched walk-in,
/// (b) the count. Both clocks are this machine's; the figures are too large by 0 to 1 ms for the cut of the append time.
/// They hold the way through three stages, each of which waits for the commit of the one before it.
/// Capacity is what Presence commits per second of the same load while the loader, on the same machine, writes as fast as it
/// can.
/// </summary>
internal static class Latency
{
    private const int Seed = 1;

    // Event time runs so many times as fast as life on the average: the dwell of 5 min takes some 15 s, and the grace for
    // lateness is longer than any wait here.
    private const double Speed = 20;

    // Visitors a second: enough for the 99.9th percentile within half a minute, and little beside the load.
    private const double VisitorsMax = 50;

    private static readonly TimeSpan CapacitySpan = TimeSpan.FromSeconds(30);

    // Close enough to what comes out, so that event time passes, and with it states and timers, as in what is measured.
    private const double CapacityGuess = 100_000;
    private static readonly TimeSpan Tail = TimeSpan.FromSeconds(60);

    private sealed record Level(TimeSpan Interval, double? Load, double Rate, double Achieved, bool WorkedOff, double CpuPerMillion, RuntimeFigures? Runtime, long Probes, Latencies Enriched, Latencies Counted);

    private sealed record Settings(double[] Loads, double? Rate, double? Capacity, TimeSpan[] Intervals, double Seconds, double WarmUp, int Partitions, int Workers);

    public static Command Verb()
    {
        Option<double?> rate = new("--rate") { Description = "Probes per second, instead of shares of the capacity." };
        Option<double[]> load = Common.List("--load", "Shares of the capacity, percent.", s => double.Parse(s, CultureInfo.InvariantCulture), 10, 50, 90);
        Option<double?> capacity = new("--capacity") { Description = "Probes per second that are the whole capacity; measured when it is not given." };
        Option<TimeSpan[]> interval = Common.List("--commit-interval", "Commit intervals, one after the other.", s => TimeSpan.Parse(s, CultureInfo.InvariantCulture), TimeSpan.FromMilliseconds(100));
        Option<double> seconds = new("--seconds") { Description = "How long each is measured, after its warm-up.", DefaultValueFactory = _ => 30 };
        // A broker that has just started takes so long until its code is compiled: commits take half as long afterwards.
        Option<double> warmUp = new("--warm-up") { Description = "Seconds of the same load before each is measured.", DefaultValueFactory = _ => 45 };
        Option<int> partitions = Common.Partitions(), workers = Common.Workers();
        return Common.Verb("latency", "From a probe to its enriched walk-in and its count, by load and commit interval.", 3600, [rate, load, capacity, interval, seconds, warmUp, partitions, workers], (parsed, cancellation) =>
            Run(new Settings(parsed.GetValue(load)!, parsed.GetValue(rate), parsed.GetValue(capacity), parsed.GetValue(interval)!, parsed.GetValue(seconds), parsed.GetValue(warmUp), parsed.GetValue(partitions), parsed.GetValue(workers)), cancellation));
    }

    private static async Task<int> Run(Settings settings, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, settings.Partitions);
        using Progress progress = new(broker.Bootstrap, "presence", settings.Partitions);
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, settings.Workers);
        await presence.Runs(PresenceProcess.Tasks(settings.Partitions), cancellation);
        long at = RecordMix.DefaultStart;
        double capacity = settings.Capacity ?? 0;
        if (settings.Rate is null && capacity == 0)
        {
            (capacity, at) = await Capacity(broker, presence, progress, at, cancellation);
        }

        double?[] loads = settings.Rate is null ? [.. settings.Loads.Select(l => (double?)l)] : [null];
        using Visitors visitors = new(broker.Bootstrap, settings.Partitions);
        List<Level> levels = [];
        foreach (TimeSpan interval in settings.Intervals)
        {
            await presence.Stop();
            presence.Start("Presence__CommitInterval", interval.ToString("c", CultureInfo.InvariantCulture));
            await presence.Runs(PresenceProcess.Tasks(settings.Partitions), cancellation);
            foreach (double? load in loads)
            {
                double rate = settings.Rate ?? (load!.Value / 100 * capacity);
                (Level level, at) = await Measure(broker, presence, progress, visitors, interval, load, rate, settings, at, cancellation);
                levels.Add(level);
                Report.Say($"{interval.TotalMilliseconds} ms, {Report.Number(rate)} probes/s: enriched p50 {Report.Number(level.Enriched.At(0.5))} ms, p99 {Report.Number(level.Enriched.At(0.99))} ms");
            }
        }

        Print(levels, capacity);
        return levels.TrueForAll(l => l.Enriched.Missing == 0 && l.Counted.Missing == 0) ? 0 : 1;
    }

    // What is committed between a third of the time, when all is warm, and its end.
    private static async Task<(double PerSecond, long Now)> Capacity(Broker broker, PresenceProcess presence, Progress progress, long at, CancellationToken cancellation)
    {
        RecordMix mix = new(Seed, RecordMix.DefaultVenues, at, HoursPerMillion(CapacityGuess));
        using Loader loader = new(broker.Bootstrap, mix);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task load = loader.Steadily(0, stop.Token);
        double perSecond;
        try
        {
            await Task.Delay(CapacitySpan / 3, TimeProvider.System, cancellation);
            long from = (await progress.Probes()).Sum(), written = loader.Sent, began = Stopwatch.GetTimestamp();
            await Task.Delay(CapacitySpan * 2 / 3, TimeProvider.System, cancellation);
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            perSecond = ((await progress.Probes()).Sum() - from) / seconds;
            Report.Say($"capacity: {Report.Number(perSecond)} probes/s committed while {Report.Number((loader.Sent - written) / seconds)} were written");
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }

        await WorkedOff(presence, progress, Timeout.InfiniteTimeSpan, cancellation);
        return (perSecond, mix.Now);
    }

    private static async Task<(Level Level, long Now)> Measure(
        Broker broker, PresenceProcess presence, Progress progress, Visitors visitors, TimeSpan interval, double? share, double rate, Settings settings, long at, CancellationToken cancellation)
    {
        double perSecond = Math.Min(VisitorsMax, rate / 20);
        visitors.LogIn((int)(perSecond * (settings.Seconds + settings.WarmUp) * 1.5), at);
        await WorkedOff(presence, progress, Tail, cancellation);

        RecordMix mix = new(Seed, RecordMix.DefaultVenues, at + 1_000, HoursPerMillion(rate));
        using Loader loader = new(broker.Bootstrap, mix);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task load = loader.Steadily(rate, stop.Token);
        Task<(int From, int To)> come = Task.Factory.StartNew(() => visitors.Come(perSecond, () => mix.Now, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Moment from, to;
        try
        {
            await Task.WhenAny(load, come, Task.Delay(TimeSpan.FromSeconds(settings.WarmUp), TimeProvider.System, cancellation));
            from = await Moment.Of(presence, loader);
            await Task.WhenAny(load, come, Task.Delay(TimeSpan.FromSeconds(settings.Seconds), TimeProvider.System, cancellation));
            to = await Moment.Of(presence, loader);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(load, come);
        }

        (int first, int end) = await come;
        bool workedOff = await WorkedOff(presence, progress, Tail, cancellation);
        (Latencies enriched, Latencies counted) = visitors.Measured(first, end, from.At, to.At);
        long probes = to.Sent - from.Sent;
        RuntimeFigures? runtime = to.Runtime is { } t && from.Runtime is { } f ? t.Since(f) : null;
        return (new Level(interval, share, rate, probes / (to.At - from.At) * 1000, workedOff, (to.Cpu - from.Cpu) / probes * 1e6, runtime, probes, enriched, counted), mix.Now);
    }

    private static double HoursPerMillion(double rate) => Speed * 1_000_000 / rate / 3600;

    /// <summary>Whether there was nothing left within the limit.</summary>
    private static async Task<bool> WorkedOff(PresenceProcess presence, Progress progress, TimeSpan limit, CancellationToken cancellation)
    {
        long began = Stopwatch.GetTimestamp();
        bool left = true;
        for (int quiet = 0; quiet < 2 && (limit == Timeout.InfiniteTimeSpan || Stopwatch.GetElapsedTime(began) < limit);)
        {
            presence.ThrowIfEnded();
            left = (await progress.Look()).Lag > 0;
            quiet = left ? 0 : quiet + 1;
            await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System, cancellation);
        }

        return !left;
    }

    private static void Print(List<Level> levels, double capacity)
    {
        Report.Table(
            ["commit interval, ms", "load", "probes/s", "sent", "until readable", "visits", "missing", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"],
            levels.SelectMany(l => new[] { Row(l, "enriched", l.Enriched), Row(l, "counted", l.Counted) }));
        Report.Table(
            ["commit interval, ms", "probes/s sent", "CPU s per million", "Gen0 / 1 / 2", "MiB allocated per million", "worked off"],
            levels.Select(l => (IReadOnlyList<string>)[Report.Number(l.Interval.TotalMilliseconds), Report.Number(l.Achieved), Report.Number(l.CpuPerMillion), RuntimeFigures.Collections(l.Runtime), RuntimeFigures.AllocatedPerMillion(l.Runtime, l.Probes), l.WorkedOff ? "yes" : "no"]));
        Report.Json("latency", new
        {
            capacity = Report.Round(capacity, 0),
            levels = levels.Select(l => new { interval_ms = l.Interval.TotalMilliseconds, load = l.Load, rate = Report.Round(l.Rate, 0), sent_per_s = Report.Round(l.Achieved, 0), worked_off = l.WorkedOff, enriched_ms = Quantiles(l.Enriched), counted_ms = Quantiles(l.Counted) }),
        });
    }

    private static IReadOnlyList<string> Row(Level level, string what, Latencies of) =>
    [
        Report.Number(level.Interval.TotalMilliseconds), level.Load is { } load ? $"{load} %" : "", Report.Number(level.Rate), $"{level.Achieved / level.Rate:P0}", what,
        Report.Number(of.Count), Report.Number(of.Missing), Report.Number(of.At(0.5)), Report.Number(of.At(0.9)), Report.Number(of.At(0.99)), Report.Number(of.At(0.999)), Report.Number(of.Max),
    ];

    private static object? Quantiles(Latencies of) => of.Count == 0
        ? null
        : new { count = of.Count, missing = of.Missing, p50 = Report.Round(of.At(0.5), 1), p90 = Report.Round(of.At(0.9), 1), p99 = Report.Round(of.At(0.99), 1), p999 = Report.Round(of.At(0.999), 1), max = Report.Round(of.Max, 1) };

    /// <param name="At">Ms of the wall clock.</param>
    private sealed record Moment(double At, long Sent, double Cpu, RuntimeFigures? Runtime)
    {
        public static async Task<Moment> Of(PresenceProcess presence, Loader loader)
        {
            RuntimeFigures? runtime = await RuntimeFigures.Of(presence);
            return new Moment((TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalMilliseconds, loader.Sent, presence.CpuSeconds(), runtime);
        }
    }
}
