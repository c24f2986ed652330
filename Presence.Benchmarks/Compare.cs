using System.CommandLine;

namespace Presence.Benchmarks;

/// <summary>
/// <c>compare</c>: two builds in turn, A B A B, each run as <c>bench</c> makes it: a new broker with the same settings, the
/// same load, an empty state. Printed is each run, and the medians with their ratio. What else the machine does meanwhile
/// is in the figures: the spread of the runs of one build says how much.
/// </summary>
internal static class Compare
{
    private sealed record Build(string Name, string Program)
    {
        public List<Bench.Figures> Runs { get; } = [];

        public double CpuPerMillion => Median(Runs.Select(r => r.Work.CpuPerMillion));

        public double RecordsPerSecond => Median(Runs.Select(r => r.Work.RecordsPerSecond));
    }

    public static Command Verb()
    {
        Option<string> a = new("--a") { Description = "A build: presence.dll, the directory it is in, or a checkout where it was published, or built with -c Release.", Required = true };
        Option<string> b = new("--b") { Description = "The other one.", Required = true };
        Option<int> rounds = Common.Rounds(4), partitions = Common.Partitions(), workers = Common.Workers();
        Option<long> records = Common.Records();
        return Common.Verb("compare", "Two builds in turn: CPU per million and records per second of each run, medians, ratio.", 3600, [a, b, rounds, records, partitions, workers], (parsed, cancellation) =>
            Run(new Build("A", Find(parsed.GetValue(a)!)), new Build("B", Find(parsed.GetValue(b)!)), parsed.GetValue(rounds), parsed.GetValue(records), parsed.GetValue(partitions), parsed.GetValue(workers), cancellation));
    }

    private static async Task<int> Run(Build a, Build b, int rounds, long records, int partitions, int workers, CancellationToken cancellation)
    {
        List<IReadOnlyList<string>> rows = [];
        for (int round = 1; round <= rounds; round++)
        {
            foreach (Build build in new[] { a, b })
            {
                await using Broker broker = await Broker.Start(mustBeNew: true);
                Bench.Figures figures = await Bench.Measure(broker, records, partitions, workers, build.Program, cancellation);
                build.Runs.Add(figures);
                rows.Add(figures.Row($"{build.Name}, round {round}"));
                Report.Say($"{build.Name}, round {round}: {Report.Number(figures.Work.CpuPerMillion)} CPU s per million");
            }
        }

        Console.WriteLine($"A: {a.Program}\nB: {b.Program}\n");
        Report.Table(Bench.Figures.Columns, rows);
        Report.Table(
            ["median", "A", "B", "B over A"],
            [
                ["CPU s per million", Report.Number(a.CpuPerMillion), Report.Number(b.CpuPerMillion), Report.Number(b.CpuPerMillion / a.CpuPerMillion)],
                ["records/s", Report.Number(a.RecordsPerSecond), Report.Number(b.RecordsPerSecond), Report.Number(b.RecordsPerSecond / a.RecordsPerSecond)],
            ]);
        Report.Json("compare", new { records, rounds, partitions, workers, a = Said(a), b = Said(b), cpu_b_over_a = Report.Round(b.CpuPerMillion / a.CpuPerMillion, 3), pace_b_over_a = Report.Round(b.RecordsPerSecond / a.RecordsPerSecond, 3) });
        return 0;

        static object Said(Build build) => new
        {
            cpu_s_per_million = build.Runs.Select(r => Report.Round(r.Work.CpuPerMillion)),
            records_per_s = build.Runs.Select(r => Report.Round(r.Work.RecordsPerSecond, 0)),
        };
    }

    private static string Find(string given)
    {
        string[] candidates = [given, Path.Combine(given, "presence.dll"), Path.Combine(given, "Presence.Host/bin/publish/presence.dll"), Path.Combine(given, "Presence.Host/bin/Release/net10.0/presence.dll")];
        return Array.Find(candidates, File.Exists) is { } found
            ? Path.GetFullPath(found)
            : throw new FileNotFoundException($"There is no build in {given}: neither {string.Join(" nor ", candidates[1..])} exists.");
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
