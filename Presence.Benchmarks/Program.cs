using System.CommandLine;
using BenchmarkDotNet.Running;
using Presence.Benchmarks;
using Presence.Core.Log.Simulated;
using Presence.Tests.EndToEnd;

// Verbs of the benchmarks; see docs/benchmarks.md.
Option<double> minutes = new("--minutes") { Description = "How long.", DefaultValueFactory = _ => 10 };
Option<double> rate = Common.Rate(5_000);
Command micro = new("micro", "Steps of the per-record path on their own (BenchmarkDotNet; what follows goes to it).") { TreatUnmatchedTokensAsErrors = false };
micro.SetAction(parsed =>
{
    BenchmarkSwitcher.FromAssembly(typeof(MicroBenchmarks).Assembly).Run(parsed.UnmatchedTokens.Count > 0 ? [.. parsed.UnmatchedTokens] : ["--filter", "*"]);
    return 0;
});

Option<int> seeds = new("--seeds") { Description = "How many seeds.", DefaultValueFactory = _ => 1_000 };
Option<int> from = new("--from") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
Option<int?> seed = new("--seed") { Description = "One seed alone: its failure, and which kinds of faults it needs." };
Option<double> limitMinutes = new("--minutes") { Description = "Ends after so many minutes, however many seeds are left.", DefaultValueFactory = _ => double.MaxValue };
Option<bool> untilFailure = new("--until-failure") { Description = "Ends with the first failure." };
Option<bool> trace = new("--trace") { Description = "With --seed: everything that happens." };
Option<string> without = new("--without") { Description = "With --seed: kinds of faults that do not happen, with commas between.", DefaultValueFactory = _ => "" };
without.Validators.Add(given =>
{
    foreach (string unknown in Names(given.GetValueOrDefault<string>()).Where(n => !Enum.TryParse<SimulatedFault>(n, out _)))
        given.AddError($"--without: '{unknown}' is no kind of fault. Kinds: {string.Join(", ", Enum.GetNames<SimulatedFault>())}");
});
Command simulate = new("simulate", "The runtime in virtual time with everything going wrong, from one seed after the other.") { seeds, from, seed, limitMinutes, untilFailure, trace, without };
simulate.SetAction(parsed => parsed.GetValue(seed) is { } one
    ? Simulate.One(one, parsed.GetValue(trace), [.. Names(parsed.GetValue(without)!).Select(Enum.Parse<SimulatedFault>)])
    : Simulate.Run(parsed.GetValue(seeds), parsed.GetValue(from), parsed.GetValue(limitMinutes), parsed.GetValue(untilFailure), CancellationToken.None));

Option<int> tasks = new("--tasks") { Description = "Tasks of the largest fleet.", DefaultValueFactory = _ => 10_000 };
Option<int> members = new("--members") { Description = "Instances of the largest fleet.", DefaultValueFactory = _ => 1_000 };
Command assign = new("assign", "Plans for large fleets: how long one takes, how much moves when an instance leaves or joins.") { tasks, members };
assign.SetAction(parsed => Assign.Run(parsed.GetValue(tasks), parsed.GetValue(members)));

Option<int> chaosSeed = new("--seed") { Description = "Of the load and of what is done when.", DefaultValueFactory = _ => 1 };
Option<int> instances = new("--instances") { Description = "Instances of the fleet.", DefaultValueFactory = _ => 3 };
Option<int> brokers = new("--brokers") { Description = "Brokers.", DefaultValueFactory = _ => 3 };
Command chaos = new("chaos", "Real brokers and a real fleet under load: killed, stopped and continued at random; held against the definition.") { minutes, rate, chaosSeed, instances, brokers };
chaos.SetAction(async (parsed, cancellation) =>
{
    try
    {
        var done = await Chaos.Run(TimeSpan.FromMinutes(parsed.GetValue(minutes)), (int)parsed.GetValue(rate), parsed.GetValue(chaosSeed), parsed.GetValue(instances), parsed.GetValue(brokers), Console.WriteLine, cancellation);
        Console.WriteLine($"nothing lost, nothing twice after {string.Join(", ", done.Select(d => $"{d.Value} x {d.Key}"))}");
        return 0;
    }
#pragma warning disable CA1031 // Whatever it is, it is the result of the run.
    catch (Exception e)
#pragma warning restore CA1031
    {
        Console.WriteLine($"failed: {e.Message}");
        return 1;
    }
});

RootCommand root = new("Benchmarks of Presence. Build everything with -c Release first.")
{
    Bench.Verb(), Soak.Verb(), Floor.Verb(), Failover.Verb(),
    Restore.Verb(), ColdStart.Verb(), Growth.Verb(), Backlog.Verb(), Latency.Verb(), Hot.KeyVerb(), Hot.PartitionVerb(), Compare.Verb(),
    micro, simulate, chaos, assign,
};
// A broker that is being stopped needs longer than the default of 2 s.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });

static string[] Names(string? list) => (list ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
