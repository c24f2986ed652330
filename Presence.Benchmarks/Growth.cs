using System.CommandLine;

namespace Presence.Benchmarks;

/// <summary>
/// <c>growth</c>: what a record costs as the number of devices with live state grows. For each number, probes of that many
/// devices are worked off; the instance is stopped, <c>--records</c> probes of those devices in no order are loaded, and
/// it is started again on its state. Measured is the steady part of those: CPU seconds per million, probes per second,
/// collections; and at the end of it resident memory and disk. Such a probe reads and writes one state of the walk-in stage, of which
/// most are not in memory, and leads to nothing else: compare the rows with each other, not with <c>bench</c>.
/// </summary>
internal static class Growth
{
    private sealed record Size(long Devices, WorkOff Work, double MiB, double DiskMiB);

    public static Command Verb()
    {
        Option<long[]> devices = Common.List("--devices", "Numbers of devices, growing.", s => long.Parse(s, System.Globalization.CultureInfo.InvariantCulture), 100_000, 1_000_000, 10_000_000);
        Option<long> records = Common.Records(2_000_000);
        Option<int> partitions = Common.Partitions(), workers = Common.Workers();
        return Common.Verb("growth", "Cost of a record as the number of devices with live state grows.", 3600, [devices, records, partitions, workers], (parsed, cancellation) =>
            Run([.. parsed.GetValue(devices)!.Order()], parsed.GetValue(records), parsed.GetValue(partitions), parsed.GetValue(workers), cancellation));
    }

    private static async Task<int> Run(long[] sizes, long records, int partitions, int workers, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
        DeviceLoad load = new(sizes[^1]);
        List<Size> results = [];
        long worked = 0, seen = 0;
        foreach (long devices in sizes)
        {
            load.Grow(devices, sizes[^1]);
            Loader.Load(broker.Bootstrap, load, devices - seen, cancellation);
            await WorkOff.FollowToTheEnd(presence, progress, worked, devices - seen, cancellation);
            worked += devices - seen;
            seen = devices;
            await presence.Stop();
            Loader.Load(broker.Bootstrap, load, records, cancellation);
            presence.Start();
            WorkOff work = await WorkOff.FollowToTheEnd(presence, progress, worked, records, cancellation);
            worked += records;
            results.Add(new Size(devices, work, presence.MemoryMiB().Now, presence.DiskMiB()));
            Report.Say($"{devices} devices: {Report.Number(work.CpuPerMillion)} CPU s per million");
        }

        Report.Table(
            ["devices", "records/s", "CPU s per million", "RSS MiB", "disk MiB", "disk bytes per device", "Gen0 / 1 / 2", "MiB allocated per million"],
            results.Select(r => (IReadOnlyList<string>)
            [
                Report.Number(r.Devices), Report.Number(r.Work.RecordsPerSecond), Report.Number(r.Work.CpuPerMillion), Report.Number(r.MiB), Report.Number(r.DiskMiB), Report.Number(r.DiskMiB * 1048576 / r.Devices),
                RuntimeFigures.Collections(r.Work.Runtime), RuntimeFigures.AllocatedPerMillion(r.Work.Runtime, r.Work.SteadyProbes),
            ]));
        Report.Json("growth", new
        {
            records,
            partitions,
            workers,
            sizes = results.Select(r => new { devices = r.Devices, records_per_s = Report.Round(r.Work.RecordsPerSecond, 0), cpu_s_per_million = Report.Round(r.Work.CpuPerMillion), rss_mib = Report.Round(r.MiB, 0), disk_mib = Report.Round(r.DiskMiB, 0), runtime = r.Work.Runtime }),
        });
        return 0;
    }
}
