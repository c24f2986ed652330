using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Presence.Benchmarks;

/// <summary>
/// <c>bench</c>: Presence works off a loaded topic, from an empty state. Measured is the whole process: probes per second
/// and CPU seconds per million of the steady part, memory at its highest, commits, collections and allocated bytes. With
/// <c>--floor</c> both floors are measured on the same topic afterwards, with <c>--peer</c> the peer on a broker of its own.
/// </summary>
internal static class Bench
{
    private const int Seed = 1;

    /// <summary>What a run gave. Runtime: of the steady part; null when it was not said.</summary>
    public sealed record Figures(WorkOff Work, double PeakMiB, string Commits)
    {
        /// <summary>For tables, with <see cref="Row"/>.</summary>
        public static IReadOnlyList<string> Columns { get; } =
            ["", "records/s", "CPU s per million", "all done, s", "CPU s in all", "peak MiB", "Gen0 / 1 / 2", "MiB allocated per million", "commits, ms"];

        public IReadOnlyList<string> Row(string name) =>
        [
            name, Report.Number(Work.RecordsPerSecond), Report.Number(Work.CpuPerMillion), Report.Number(Work.Seconds), Report.Number(Work.Cpu), Report.Number(PeakMiB),
            RuntimeFigures.Collections(Work.Runtime), RuntimeFigures.AllocatedPerMillion(Work.Runtime, Work.SteadyProbes), Commits,
        ];
    }

    public static Command Verb()
    {
        Option<long> records = Common.Records();
        Option<int> partitions = Common.Partitions(), workers = Common.Workers();
        Option<bool> peer = Common.Peer(), floor = new("--floor") { Description = "Measure both floors too." };
        return Common.Verb("bench", "Presence works off a loaded topic: records per second, CPU per million, memory, commit latency.", 1800, [records, partitions, workers, peer, floor], (parsed, cancellation) =>
            Run(parsed.GetValue(records), parsed.GetValue(partitions), parsed.GetValue(workers), parsed.GetValue(floor), parsed.GetValue(peer), cancellation));
    }

    /// <summary>Loads a new broker's topics, and follows <paramref name="program"/> (the build of this checkout) until all is worked off.</summary>
    public static async Task<Figures> Measure(Broker broker, long records, int partitions, int workers, string? program, CancellationToken cancellation)
    {
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions, program);
        Loader.Load(broker.Bootstrap, new RecordMix(Seed, RecordMix.DefaultVenues, RecordMix.DefaultStart), records, cancellation);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers, program: program);
        WorkOff work = await WorkOff.FollowToTheEnd(presence, progress, 0, records, cancellation);
        string commits = await presence.CommitLatency() is { } c ? string.Create(CultureInfo.InvariantCulture, $"p50 up to {c.P50:0}, p99 up to {c.P99:0}, of {c.Count}") : "not known";
        return new Figures(work, presence.MemoryMiB().Peak, commits);
    }

    private static async Task<int> Run(long records, int partitions, int workers, bool withFloor, bool withPeer, CancellationToken cancellation)
    {
        Figures figures;
        List<(string Name, Floor.Figures Figures)> floors = [];
        await using (Broker broker = await Broker.Start())
        {
            figures = await Measure(broker, records, partitions, workers, null, cancellation);
            if (withFloor)
            {
                floors.Add(("floor", await Floor.Consume(broker.Bootstrap, records, partitions, cancellation)));
                floors.Add(("floor with --produce", await Floor.Transact(broker.Bootstrap, records, partitions, cancellation)));
            }
        }

        WorkOff work = figures.Work;
        Report.Table(Figures.Columns, [figures.Row("presence")]);
        Report.Json("presence", new
        {
            records,
            partitions,
            workers,
            done = work.IsDone,
            steady_records_per_s = Report.Round(work.RecordsPerSecond, 0),
            steady_cpu_s_per_million = Report.Round(work.CpuPerMillion),
            all_done_s = Report.Round(work.Seconds, 1),
            all_done_cpu_s = Report.Round(work.Cpu, 1),
            peak_rss_mib = Report.Round(figures.PeakMiB, 0),
            commit_ms = figures.Commits,
            steady_probes = work.SteadyProbes,
            runtime = work.Runtime,
        });
        if (withFloor)
        {
            Report.Table(["", "records/s", "CPU s per million", "CPU of Presence over it"], floors.Select(f => (IReadOnlyList<string>)[.. f.Figures.Row(f.Name), Report.Number(work.CpuPerMillion / f.Figures.CpuPerMillion)]));
            Report.Json("floors", floors.ToDictionary(f => f.Name, f => new { f.Figures.RecordsPerSecond, f.Figures.CpuPerMillion, ratio = Report.Round(work.CpuPerMillion / f.Figures.CpuPerMillion) }));
        }

        if (withPeer)
            await BesideThePeer(records, partitions, workers, work, cancellation);
        return 0;
    }

    private static async Task BesideThePeer(long records, int partitions, int workers, WorkOff work, CancellationToken cancellation)
    {
        Report.Say("the peer");
        string line = (await Peer.Bench(records, partitions, workers, cancellation)).Split('\n').First(l => l.StartsWith("{\"records\"", StringComparison.Ordinal));
        using JsonDocument peer = JsonDocument.Parse(line);
        double price = peer.RootElement.GetProperty("steady_cpu_s_per_million").GetDouble(), pace = peer.RootElement.GetProperty("steady_records_per_s").GetDouble();
        Console.WriteLine($"peer {line.Trim()}");
        Report.Json("ratio", new { records_per_cpu_second = Report.Round(price / work.CpuPerMillion), records_per_second = Report.Round(work.RecordsPerSecond / pace) });
    }
}
