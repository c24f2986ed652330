using Presence.Core.Log;
using Presence.Core.Stages;

namespace Presence.Host.Replay;

/// <summary>
/// Tells whether a pipeline has worked everything off. A stage writes its results in the transaction that commits its
/// positions; so when all positions, looked at first, have reached all ends, looked at afterwards, nothing can follow
/// but what idle timers do.
/// </summary>
internal sealed class WorkedOffCheck(ILogAdmin admin, string applicationId, IReadOnlyList<StageDefinition> stages)
{
    private IReadOnlyDictionary<string, TopicPartition[]>? _inputs;

    /// <summary>Asks the log once. Throws <see cref="LogException"/>.</summary>
    public async Task<bool> IsWorkedOff(CancellationToken cancellation)
    {
        _inputs ??= await Inputs(cancellation);
        Dictionary<string, IReadOnlyDictionary<TopicPartition, long>> committed = [];
        foreach ((string service, TopicPartition[] partitions) in _inputs)
            committed[service] = await admin.CommittedOffsets($"{applicationId}-{service}", partitions, cancellation);

        TopicPartition[] all = [.. _inputs.Values.SelectMany(p => p).Distinct()];
        IReadOnlyDictionary<TopicPartition, long> ends = await admin.EndOffsets(all, IsolationLevel.ReadUncommitted, cancellation);
        foreach ((string service, TopicPartition[] partitions) in _inputs)
        {
            foreach (TopicPartition partition in partitions)
            {
                long end = ends.GetValueOrDefault(partition);
                if (end > 0 && committed[service].GetValueOrDefault(partition) < end)
                    return false;
            }
        }

        return true;
    }

    private async Task<IReadOnlyDictionary<string, TopicPartition[]>> Inputs(CancellationToken cancellation)
    {
        string[] topics = [.. stages.SelectMany(s => s.Inputs).Distinct()];
        IReadOnlyDictionary<string, TopicDescription> described = await admin.DescribeTopics(topics, cancellation);
        return stages.GroupBy(s => s.Service).ToDictionary(
            g => g.Key,
            g => g.SelectMany(s => s.Inputs).Distinct()
                .SelectMany(t => Enumerable.Range(0, described[t].Partitions).Select(i => new TopicPartition(t, i)))
                .ToArray());
    }
}
