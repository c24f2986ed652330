using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.Stages;

namespace Presence.Core.Assignment;

/// <summary>
/// Holds the topics that exist against what the stages need: those missing, and co-partitioned ones with unequal
/// partition counts. A pure function of the descriptions.
/// </summary>
public sealed class TopicCheck
{
    private readonly IReadOnlyDictionary<string, TopicDescription> _topics;

    /// <summary>Judges descriptions of at least <see cref="NeededBy"/>.</summary>
    public TopicCheck(InstanceOptions options, IReadOnlyList<StageDefinition> stages, IReadOnlyDictionary<string, TopicDescription> topics)
    {
        _topics = topics;
        Missing = [.. NeededBy(options, stages).Where(t => !topics.ContainsKey(t))];
        List<string> problems = [];
        foreach (StageDefinition stage in stages)
        {
            List<TopicDescription> together = [.. stage.Inputs.Concat(stage.CopartitionedOutputs).Distinct().Where(topics.ContainsKey).Select(t => topics[t])];
            if (together.Select(t => t.Partitions).Distinct().Count() > 1)
            {
                problems.Add(
                    $"{stage.Name} joins its topics by key, so they must have equal partition counts, but they have: {string.Join(", ", together.Select(t => $"{t.Name} {t.Partitions}"))}. "
                    + "Make the odd ones anew with the right count (partitions cannot be removed, and adding some moves keys), then start again");
            }

            string changelog = ChangelogOf(options, stage);
            if (together.Count > 0 && topics.TryGetValue(changelog, out TopicDescription? existing) && existing.Partitions != together[0].Partitions)
            {
                problems.Add(
                    $"{changelog} has {existing.Partitions} partitions, but {stage.Name}'s inputs have {together[0].Partitions}: partitions were added to the inputs, and keys now hash elsewhere. "
                    + $"Restore the inputs' count, or delete {changelog} and the group {options.ApplicationId}-{stage.Service} to begin anew from what the inputs still hold");
            }
        }

        Problems = problems;
    }

    /// <summary>Topics that operators must create and that do not exist.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Contradictions, one sentence each.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>The name of a stage's changelog topic.</summary>
    public static string ChangelogOf(InstanceOptions options, StageDefinition stage) => $"{options.ApplicationId}-{stage.Name}-changelog";

    /// <summary>Topics the stages read and write that operators create.</summary>
    public static IReadOnlyCollection<string> NeededBy(InstanceOptions options, IReadOnlyList<StageDefinition> stages) =>
        [.. stages.SelectMany(s => s.Inputs.Concat(s.Outputs)).Append(options.DeadLetterTopic).Distinct()];

    /// <summary>All topics a running instance looks at.</summary>
    public static IReadOnlyCollection<string> WatchedBy(InstanceOptions options, IReadOnlyList<StageDefinition> stages) =>
        [.. NeededBy(options, stages), .. stages.Select(s => ChangelogOf(options, s))];

    /// <summary>The changelogs that do not exist yet.</summary>
    public IReadOnlyList<TopicSpecification> MissingChangelogs(InstanceOptions options, IReadOnlyList<StageDefinition> stages) =>
        [.. stages.Where(s => !_topics.ContainsKey(ChangelogOf(options, s)))
            .Select(s => new TopicSpecification(ChangelogOf(options, s), _topics[s.Inputs[0]].Partitions, options.ReplicationFactor, ChangelogConfiguration))];

    /// <summary>How changelogs are configured.</summary>
    public static IReadOnlyDictionary<string, string> ChangelogConfiguration { get; } = new Dictionary<string, string>
    {
        ["cleanup.policy"] = "compact",
        ["message.timestamp.type"] = "CreateTime",
    };

    /// <summary>What changed since <paramref name="earlier"/> in a way that breaks running tasks; null when nothing did.</summary>
    public string? ChangeSince(IReadOnlyDictionary<string, TopicDescription> earlier)
    {
        foreach ((string name, TopicDescription before) in earlier)
        {
            if (!_topics.TryGetValue(name, out TopicDescription? now))
                return $"the topic {name} was deleted while it is in use";
            if (now.Id != before.Id)
                return $"the topic {name} was deleted and made again while it is in use";
            if (now.Partitions != before.Partitions)
                return $"the topic {name} went from {before.Partitions} to {now.Partitions} partitions while it is in use: its keys now hash elsewhere";
        }

        return null;
    }
}
