using System.CommandLine;

namespace Presence.Benchmarks;

/// <summary>Options that several verbs have, and a verb that is bounded in time.</summary>
internal static class Common
{
    public static Option<long> Records(long otherwise = 3_000_000) => new("--records") { Description = "Probes to load.", DefaultValueFactory = _ => otherwise };

    public static Option<long> Keys(long otherwise) => new("--keys") { Description = "Devices with live state.", DefaultValueFactory = _ => otherwise };

    public static Option<int> Partitions() => new("--partitions") { Description = "Partitions of every topic.", DefaultValueFactory = _ => 4 };

    public static Option<int> Workers() => new("--workers") { Description = "Worker threads (threads of the peer).", DefaultValueFactory = _ => 1 };

    public static Option<double> Rate(double otherwise) => new("--rate") { Description = "Probes per second.", DefaultValueFactory = _ => otherwise };

    public static Option<bool> Peer() => new("--peer") { Description = "Measure the peer too." };

    public static Option<int> Rounds(int otherwise) => new("--rounds") { Description = "How often.", DefaultValueFactory = _ => otherwise };

    /// <summary>A scenario as a verb with a <c>--limit</c>: what is not done by then is given up, and all it started is ended.</summary>
    public static Command Verb(string name, string description, int limitSeconds, Option[] options, Func<ParseResult, CancellationToken, Task<int>> run)
    {
        Option<int> limit = new("--limit") { Description = "Seconds after which the run is given up.", DefaultValueFactory = _ => limitSeconds };
        Command command = new(name, description) { limit };
        foreach (Option option in options)
            command.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            using CancellationTokenSource bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            bounded.CancelAfter(TimeSpan.FromSeconds(parsed.GetValue(limit)));
            try
            {
                return await run(parsed, bounded.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                Report.Say($"{name} was given up after {parsed.GetValue(limit)} s (--limit).");
                return 1;
            }
        });
        return command;
    }

    /// <summary>An option's list of numbers, or of other things, with commas between.</summary>
    public static Option<T[]> List<T>(string name, string description, Func<string, T> parse, params T[] otherwise) => new(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            try
            {
                return [.. result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Select(parse)];
            }
            catch (FormatException e)
            {
                result.AddError($"{name}: {e.Message}");
                return [];
            }
        },
    };
}
