using System.CommandLine;

namespace Presence.Benchmarks;

/// <summary>
/// <c>restore</c>: an instance has worked off probes of so many devices, is stopped, its state is deleted, and it is started
/// again with nothing to process. Measured from the start of the process: seconds until all tasks run, changelog records
/// per second between the begin of the first replay and the end of the last one, and CPU seconds until all tasks run. With
/// <c>--floor</c> a bare consumer reads the same changelogs afterwards; with <c>--peer</c> the peer goes through the same
/// with the same load on a broker of its own, until it says that it runs.
/// </summary>
internal static class Restore
{
    private sealed record Result(string Name, double Seconds, long Records, double PerSecond, double Cpu);

    public static Command Verb()
    {
        Option<long> keys = Common.Keys(1_000_000);
        Option<int> partitions = Common.Partitions(), workers = Common.Workers();
        Option<bool> peer = Common.Peer(), floor = new("--floor") { Description = "Measure a bare consumer of the changelogs too." };
        return Common.Verb("restore", "The state of many devices is wiped: how long until it is rebuilt, records per second, CPU.", 1800, [keys, partitions, workers, floor, peer], (parsed, cancellation) =>
            Run(parsed.GetValue(keys), parsed.GetValue(partitions), parsed.GetValue(workers), parsed.GetValue(floor), parsed.GetValue(peer), cancellation));
    }

    private static async Task<int> Run(long keys, int partitions, int workers, bool withFloor, bool withPeer, CancellationToken cancellation)
    {
        (Result presence, Floor.Figures? floor) = await OfPresence(keys, partitions, workers, withFloor, cancellation);
        List<Result> results = [presence];
        if (withPeer)
            results.Add(await OfPeer(keys, partitions, workers, cancellation));
        Report.Table(
            ["", "runs after, s", "changelog records", "records/s while restoring", "records/s from the start", "CPU s until it runs", "CPU s per million"],
            results.Select(r => (IReadOnlyList<string>)
            [
                r.Name, Report.Number(r.Seconds), Report.Number(r.Records), r.PerSecond > 0 ? Report.Number(r.PerSecond) : "not known", Report.Number(r.Records / r.Seconds), Report.Number(r.Cpu), Report.Number(r.Cpu / r.Records * 1e6),
            ]));
        foreach (Result r in results)
            Report.Json("restore", new { of = r.Name, keys, partitions, workers, runs_after_s = Report.Round(r.Seconds), records = r.Records, records_per_s = Report.Round(r.PerSecond, 0), cpu_s = Report.Round(r.Cpu) });
        if (floor is not null)
        {
            Report.Table(["", "records/s", "CPU s per million", "Presence's records/s over it"], [[.. floor.Row("floor"), Report.Number(presence.PerSecond / floor.RecordsPerSecond)]]);
            Report.Json("floor", new { records = floor.Parsed, records_per_s = Report.Round(floor.RecordsPerSecond, 0), cpu_s_per_million = Report.Round(floor.CpuPerMillion) });
        }

        return 0;
    }

    private static async Task<(Result Result, Floor.Figures? Floor)> OfPresence(long keys, int partitions, int workers, bool withFloor, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
        Loader.Load(broker.Bootstrap, new DeviceLoad(keys), keys, cancellation);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
        await WorkOff.FollowToTheEnd(presence, progress, 0, keys, cancellation);
        await presence.Stop();
        presence.Wipe();
        presence.Start();
        await presence.Runs(PresenceProcess.Tasks(partitions), cancellation);
        double cpu = presence.CpuSeconds();
        Startup startup = Startup.Of(presence);
        if (startup.Restored < keys)
            throw new InvalidOperationException($"Only {startup.Restored} changelog records were replayed for {keys} devices. The log ends:\n{presence.Log}");
        Report.Table(["phase", "s after the start"], startup.Phases.Select(p => (IReadOnlyList<string>)[p.Name, Report.Number(p.Seconds)]));
        Result result = new("presence", startup.LastTaskRuns, startup.Restored, startup.RestoredPerSecond, cpu);
        if (!withFloor)
            return (result, null);
        await presence.Stop();
        return (result, await Floor.Changelogs(broker.Bootstrap, "presence", cancellation));
    }

    private static async Task<Result> OfPeer(long keys, int partitions, int threads, CancellationToken cancellation)
    {
        Report.Say("the peer");
        await using Broker broker = await Broker.Start();
        await Peer.CreateTopics(broker.Bootstrap, partitions);
        Loader.Load(broker.Bootstrap, new DeviceLoad(keys), keys, cancellation);
        await using Peer peer = new(broker.Bootstrap, partitions);
        peer.Start(threads);
        await peer.Commits(keys, cancellation);
        await peer.StopAndWipe();
        peer.Start(threads);
        (double seconds, double cpu, long restored, double restoring) = await peer.Runs(cancellation);
        return new Result("peer", seconds, restored, restoring > 0 ? restored / restoring : 0, cpu);
    }
}
