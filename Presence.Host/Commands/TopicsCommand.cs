using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Presence.Core.Assignment;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Host.Configuration;
using Presence.Host.Hosting;
using Presence.Host.RocksDb;

namespace Presence.Host.Commands;

/// <summary><c>topics show</c> and <c>topics create</c>.</summary>
internal static class TopicsCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create()
    {
        Option<string> output = CommonOptions.Output();
        Command show = new("show", "Shows the topics that exist against what is needed, with the ACLs.") { output };
        show.TreatUnmatchedTokensAsErrors = false;
        show.SetAction((parsed, cancellation) => WithLog(parsed, (settings, log) => Show(settings, log, parsed.GetValue(output)!, cancellation)));

        Option<bool> yes = new("--yes") { Description = "Do not ask" };
        Command create = new("create", "Creates the topics that are missing, after showing them.") { yes };
        create.TreatUnmatchedTokensAsErrors = false;
        create.SetAction((parsed, cancellation) => WithLog(parsed, (settings, log) => CreateMissing(settings, log, parsed.GetValue(yes), cancellation)));
        return new Command("topics", "Topics: show, create.") { show, create };
    }

    private static async Task<int> WithLog(ParseResult parsed, Func<Settings, ILog, Task<int>> action)
    {
        Settings? settings = CommandContext.Load(parsed);
        if (settings is null)
            return ExitCodes.Usage;
        using ILoggerFactory loggers = CommandContext.StderrLogs(settings);
        try
        {
            using StateDirectory? directory = settings.IsEmbedded ? StateDirectory.Open(settings.Presence.StateDirectory, settings.Presence.InstanceId, Environment.MachineName, out _) : null;
            using ILog log = LogFactory.Open(settings, directory?.Path ?? "", TimeProvider.System, loggers);
            return await action(settings, log);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Interrupted.");
            return ExitCodes.Interrupted;
        }
        catch (Exception e) when (e is LogException or StateDirectoryException or IOException)
        {
            Console.Error.WriteLine(e.Message);
            return e is StateDirectoryException { MayPass: false } ? ExitCodes.Refused : ExitCodes.Failed;
        }
    }

    private static IReadOnlyList<TopicSpecification> Needed(Settings settings)
    {
        PresenceOptions o = settings.Presence;
        return
        [
            .. TopicCatalog.Public(o.Topics.Names(), o.Topics.Partitions, o.Topics.ReplicationFactor),
            .. ControlTopics.Specifications(o.ApplicationId, o.Topics.ReplicationFactor),
        ];
    }

    private static async Task<int> Show(Settings settings, ILog log, string output, CancellationToken cancellation)
    {
        IReadOnlyList<TopicSpecification> needed = Needed(settings);
        InstanceOptions instance = RuntimeFactory.InstanceOptionsOf(settings.Presence, settings.Presence.InstanceId);
        IReadOnlyList<StageDefinition> stages = RuntimeFactory.StagesOf(settings.Presence);
        string[] changelogs = [.. stages.Select(s => TopicCheck.ChangelogOf(instance, s))];
        IReadOnlyDictionary<string, TopicDescription> existing = await log.Admin.DescribeTopics([.. needed.Select(t => t.Name), .. changelogs], cancellation);
        IReadOnlyList<string> problems = new TopicCheck(instance, stages, existing).Problems;
        List<(string Name, TopicDescription? Exists, string? Difference)> rows =
        [
            .. needed.Select(t => (t.Name, existing.GetValueOrDefault(t.Name), Difference(t, existing.GetValueOrDefault(t.Name)))),
            .. changelogs.Select(c => (c, existing.GetValueOrDefault(c), existing.ContainsKey(c) ? null : "made at start, as its stage's inputs are partitioned")),
        ];
        if (output == "json")
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                new { topics = rows.Select(r => new { topic = r.Name, exists = r.Exists is not null, partitions = r.Exists?.Partitions, replicationFactor = r.Exists?.ReplicationFactor, cleanupPolicy = r.Exists?.Configuration.GetValueOrDefault("cleanup.policy"), retentionMs = r.Exists?.Configuration.GetValueOrDefault("retention.ms"), difference = r.Difference }), problems },
                Indented));
        }
        else
        {
            int width = rows.Max(r => r.Name.Length);
            foreach (var (name, exists, difference) in rows)
            {
                string state = exists is null ? "missing" : $"{exists.Partitions} partitions, {exists.ReplicationFactor} copies, {exists.Configuration.GetValueOrDefault("cleanup.policy", "delete")}, retention {exists.Configuration.GetValueOrDefault("retention.ms", "-")} ms";
                Console.Out.WriteLine($"{name.PadRight(width)}  {state}{(difference is null ? "" : $"  <- {difference}")}");
            }

            foreach (string problem in problems)
                Console.Out.WriteLine($"\nProblem: {problem}");
            Console.Out.WriteLine();
            string a = settings.Presence.ApplicationId;
            Console.Out.WriteLine($"ACLs of the user that runs Presence: Read, Write, Describe on these topics; Create, Read, Write, Describe on topics {a}-*; Read on groups {a} and {a}-*; Write, Describe on transactional ids {a}-*; IdempotentWrite on the cluster.");
        }

        return ExitCodes.Done;
    }

    private static async Task<int> CreateMissing(Settings settings, ILog log, bool yes, CancellationToken cancellation)
    {
        IReadOnlyList<TopicSpecification> needed = Needed(settings);
        IReadOnlyDictionary<string, TopicDescription> existing = await log.Admin.DescribeTopics([.. needed.Select(t => t.Name)], cancellation);
        List<TopicSpecification> missing = [.. needed.Where(t => !existing.ContainsKey(t.Name))];
        if (missing.Count == 0)
        {
            Console.Out.WriteLine("All topics exist.");
            return ExitCodes.Done;
        }

        foreach (TopicSpecification topic in missing)
            Console.Error.WriteLine($"{topic.Name}: {topic.Partitions} partitions, {topic.ReplicationFactor?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "the broker's default number of"} copies, {string.Join(", ", topic.Configuration.Select(c => $"{c.Key}={c.Value}"))}");
        if (!yes)
        {
            if (Console.IsInputRedirected)
            {
                Console.Error.WriteLine("Nothing was created: nobody can be asked here. Give --yes.");
                return ExitCodes.Refused;
            }

            Console.Error.Write($"Create these {missing.Count} topics on {log.Description}? [y/N] ");
            if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes"))
            {
                Console.Error.WriteLine("Nothing was created.");
                return ExitCodes.Failed;
            }
        }

        await log.Admin.CreateTopics(missing, cancellation);
        Console.Out.WriteLine($"{missing.Count} topics created.");
        return ExitCodes.Done;
    }

    private const string CompactionLag = "min.compaction.lag.ms";

    private static string? Difference(TopicSpecification needed, TopicDescription? existing)
    {
        if (existing is null)
            return "create it";
        if (needed.Partitions == 1 && existing.Partitions != 1)
            return "needs exactly 1 partition";
        string wanted = needed.Configuration.GetValueOrDefault("cleanup.policy", "delete"), found = existing.Configuration.GetValueOrDefault("cleanup.policy", "delete");
        return wanted == "compact" && !found.Contains("compact", StringComparison.Ordinal) ? "needs cleanup.policy=compact"
            : wanted == "delete" && found.Contains("compact", StringComparison.Ordinal) && needed.Name.Contains("walk-ins", StringComparison.Ordinal) ? "must not be compacted: records of one key would be lost"
            : needed.Configuration.TryGetValue(CompactionLag, out string? lag) && long.Parse(existing.Configuration.GetValueOrDefault(CompactionLag, "0"), CultureInfo.InvariantCulture) < long.Parse(lag, CultureInfo.InvariantCulture)
                ? $"needs {CompactionLag}={lag}: a reader that is behind must find every version"
            : null;
    }
}
