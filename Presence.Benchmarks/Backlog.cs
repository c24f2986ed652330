using System.CommandLine;
using System.Diagnostics;

namespace Presence.Benchmarks;

/// <summary>
/// <c>backlog</c>: as many probes wait as come in so many hours at a rate, event time as in life; then an instance with an
/// empty state is started while new ones go on coming at that rate. Measured from the start of its process: seconds until
/// what is not committed in all inputs is no more than comes within a second, and stays so; what was worked off until
/// then, its CPU, and memory at its highest.
/// </summary>
internal static class Backlog
{
    private const int Seed = 1;

    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(250);

    // So many samples in a row: a lag that is small by chance is none that is worked off.
    private const int SamplesQuiet = 8;

    private static double HoursPerMillion(double rate) => 1_000_000 / rate / 3600;

    public static Command Verb()
    {
        Option<double> hours = new("--hours") { Description = "Hours of probes that wait.", DefaultValueFactory = _ => 1 };
        Option<double> rate = Common.Rate(2_000);
        Option<int> partitions = Common.Partitions(), workers = Common.Workers();
        return Common.Verb("backlog", "Hours of probes wait: how long until they are worked off while new ones come.", 3600, [hours, rate, partitions, workers], (parsed, cancellation) =>
            Run(parsed.GetValue(hours), parsed.GetValue(rate), parsed.GetValue(partitions), parsed.GetValue(workers), cancellation));
    }

    private static async Task<int> Run(double hours, double rate, int partitions, int workers, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
        RecordMix mix = new(Seed, RecordMix.DefaultVenues, RecordMix.DefaultStart, HoursPerMillion(rate));
        long waiting = (long)(hours * 3600 * rate);
        Loader.Load(broker.Bootstrap, mix, waiting, cancellation);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        using Loader loader = new(broker.Bootstrap, mix);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task load = loader.Steadily(rate, stop.Token);
        try
        {
            await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
            long began = Stopwatch.GetTimestamp(), probes = 0;
            double caughtUp = 0, cpu = 0;
            for (int quiet = 0; quiet < SamplesQuiet;)
            {
                presence.ThrowIfEnded();
                if (load.IsFaulted)
                    await load;
                (long committed, long lag) = await progress.Look();
                quiet = committed >= waiting && lag <= rate ? quiet + 1 : 0;
                if (quiet == 1)
                    (caughtUp, cpu, probes) = (Stopwatch.GetElapsedTime(began).TotalSeconds, presence.CpuSeconds(), committed);
                await Task.Delay(Sample, TimeProvider.System, cancellation);
            }

            double peak = presence.MemoryMiB().Peak;
            RuntimeFigures? runtime = await RuntimeFigures.Of(presence);
            Report.Table(
                ["probes waiting", "coming, per second", "caught up after, s", "probes worked off", "records/s", "CPU s per million", "peak MiB", "Gen0 / 1 / 2"],
                [[Report.Number(waiting), Report.Number(rate), Report.Number(caughtUp), Report.Number(probes), Report.Number(probes / caughtUp), Report.Number(cpu / probes * 1e6), Report.Number(peak), RuntimeFigures.Collections(runtime)]]);
            Report.Json("backlog", new { hours, rate, partitions, workers, waiting, caught_up_s = Report.Round(caughtUp), probes, records_per_s = Report.Round(probes / caughtUp, 0), cpu_s_per_million = Report.Round(cpu / probes * 1e6), peak_rss_mib = Report.Round(peak, 0), runtime });
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }

        return 0;
    }
}
