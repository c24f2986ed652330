using System.CommandLine;

namespace Presence.Benchmarks;

/// <summary>
/// <c>coldstart</c>: an instance with the state of many devices on disk is killed with SIGKILL under a steady load of probes of
/// those devices, and started again at once on that state. Measured from the start of the process: until
/// <c>/health/live</c> answers, until the first committed position of a partition of <c>probes</c> moves, and until all
/// have moved; beside that the phases its log shows. Positions are asked for a hundred times a second, which takes a little
/// of the machine. The file system's cache is warm, as it is after a crash of the process alone.
/// </summary>
internal static class ColdStart
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(10);

    // Long enough for the load to reach a steady state of commits before the kill.
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);

    private sealed record Round(double Live, double First, double All, double Cpu, Startup Startup);

    public static Command Verb()
    {
        Option<long> keys = Common.Keys(10_000_000);
        Option<double> rate = Common.Rate(2_000);
        Option<int> partitions = Common.Partitions(), workers = Common.Workers(), rounds = Common.Rounds(3);
        return Common.Verb("coldstart", "kill -9 under load with a large state: how long until the new process commits.", 3600, [keys, rate, partitions, workers, rounds], (parsed, cancellation) =>
            Run(parsed.GetValue(keys), parsed.GetValue(rate), parsed.GetValue(partitions), parsed.GetValue(workers), parsed.GetValue(rounds), cancellation));
    }

    private static async Task<int> Run(long keys, double rate, int partitions, int workers, int rounds, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, partitions);
        DeviceLoad devices = new(keys);
        Loader.Load(broker.Bootstrap, devices, keys, cancellation);
        using Progress progress = new(broker.Bootstrap, "presence", partitions);
        await using PresenceProcess presence = PresenceProcess.Start(broker.Bootstrap, workers);
        await WorkOff.FollowToTheEnd(presence, progress, 0, keys, cancellation);
        double disk = presence.DiskMiB();
        List<Round> results = [];
        using Loader loader = new(broker.Bootstrap, devices);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task load = loader.Steadily(rate, stop.Token);
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                await Task.Delay(Settle, TimeProvider.System, cancellation);
                await presence.Kill();
                results.Add(await StartAgain(presence, progress, partitions, cancellation));
                Report.Say($"round {round + 1}: the first position moves after {Report.Number(results[^1].First)} s");
            }
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }

        string[] columns = [.. Enumerable.Range(1, rounds).Select(r => $"round {r}, s")];
        Report.Table(
            ["after the start of the process", .. columns],
            [
                Row("/health/live answers", r => r.Live),
                .. results[^1].Startup.Phases.Select(p => Row($"log: {p.Name}", r => r.Startup.Phases.FirstOrDefault(o => o.Name == p.Name).Seconds)),
                Row("the first position of a partition moves", r => r.First),
                Row("the positions of all partitions have moved", r => r.All),
                Row("CPU seconds until then", r => r.Cpu),
                ["changelog records replayed", .. results.Select(r => Report.Number(r.Startup.Restored))],
            ]);
        Report.Json("coldstart", new
        {
            keys,
            rate,
            partitions,
            workers,
            disk_mib = Report.Round(disk, 0),
            rounds = results.Select(r => new { live_s = Report.Round(r.Live), runs_s = Report.Round(r.Startup.LastTaskRuns), first_commit_s = Report.Round(r.First), all_commit_s = Report.Round(r.All), cpu_s = Report.Round(r.Cpu), replayed = r.Startup.Restored }),
        });
        return 0;

        IReadOnlyList<string> Row(string what, Func<Round, double> figure) => [what, .. results.Select(r => Report.Number(figure(r)))];
    }

    private static async Task<Round> StartAgain(PresenceProcess presence, Progress progress, int partitions, CancellationToken cancellation)
    {
        long[] before = await progress.Probes();
        presence.Start();
        Task<double> live = After(() => presence.Answers("/health/live"));
        double first = await After(async () => (await progress.Probes()).Zip(before).Any(p => p.First > p.Second));
        double all = await After(async () => (await progress.Probes()).Zip(before).All(p => p.First > p.Second));
        double cpu = presence.CpuSeconds();
        await presence.Runs(PresenceProcess.Tasks(partitions), cancellation);
        return new Round(await live, first, all, cpu, Startup.Of(presence));

        async Task<double> After(Func<Task<bool>> holds)
        {
            await presence.Until(holds, Often, cancellation);
            return (TimeProvider.System.GetUtcNow() - presence.StartedAt).TotalSeconds;
        }
    }
}
