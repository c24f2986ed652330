namespace Presence.Core.Log.Simulated;

/// <summary>Questions to the cluster; an answer is true at some moment between question and answer.</summary>
internal sealed class SimulatedAdmin(SimulatedLog log) : ILogAdmin
{
    public Task<IReadOnlyDictionary<string, TopicDescription>> DescribeTopics(IReadOnlyCollection<string> topics, CancellationToken cancellation) => Ask("metadata", () =>
    {
        Dictionary<string, TopicDescription> found = [];
        foreach (string name in topics)
        {
            if (log.Cluster.Topics.TryGetValue(name, out SimulatedTopic? topic))
                found[name] = new TopicDescription(name, topic.Id, topic.Partitions.Count, 1, topic.Configuration);
        }

        return (IReadOnlyDictionary<string, TopicDescription>)found;
    });

    public Task CreateTopics(IReadOnlyCollection<TopicSpecification> topics, CancellationToken cancellation) => Ask("metadata", () =>
    {
        foreach (TopicSpecification topic in topics)
            log.Cluster.CreateTopic(topic);
        return topics.Count;
    });

    public Task<IReadOnlyDictionary<TopicPartition, long>> EndOffsets(IReadOnlyCollection<TopicPartition> partitions, IsolationLevel isolation, CancellationToken cancellation) =>
        Offsets(partitions, p => isolation == IsolationLevel.ReadCommitted ? p.StableEnd : p.End);

    public Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsets(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation) =>
        Offsets(partitions, p => p.Start);

    public Task<IReadOnlyDictionary<TopicPartition, long>> CommittedOffsets(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation) =>
        Ask<IReadOnlyDictionary<TopicPartition, long>>(group, () =>
        {
            Dictionary<TopicPartition, long> found = [];
            foreach (TopicPartition partition in partitions)
            {
                // Stable ones only: the question is asked again while a transaction holds one of them.
                if (log.Cluster.IsUnstable(group, partition))
                    return null;
                if (log.Cluster.CommittedOffset(group, partition) is { } offset)
                    found[partition] = offset;
            }

            return found;
        });

    public void Dispose()
    {
        // It holds nothing.
    }

    private Task<IReadOnlyDictionary<TopicPartition, long>> Offsets(IReadOnlyCollection<TopicPartition> partitions, Func<SimulatedPartition, long> of) =>
        Ask<IReadOnlyDictionary<TopicPartition, long>>("offsets", () =>
        {
            Dictionary<TopicPartition, long> found = [];
            foreach (TopicPartition partition in partitions)
            {
                if (!log.Cluster.IsUp(partition.ToString()))
                    return null;
                if (log.Cluster.Find(partition) is not { } known)
                    throw new LogException($"{partition} does not exist");
                found[partition] = of(known);
            }

            return found;
        });

    private Task<T> Ask<T>(string resource, Func<T?> answer)
    {
        TaskCompletionSource<T> completion = new();
        if (log.Cluster.World.Faults.Strikes(SimulatedFault.QuestionRefused, 0.2))
        {
            log.Cluster.World.After(log.Cluster.World.Span(1, 3000), () => completion.TrySetException(new LogException("the cluster does not answer")));
            return completion.Task;
        }

        T? result = default;
        LogException? refusal = null;
        log.Send(
            resource,
            () =>
            {
                try
                {
                    result = answer();
                }
                catch (LogException e)
                {
                    refusal = e;
                    return LogResult.Ok;
                }

                return result is null ? new LogResult(LogStatus.TimedOut) : LogResult.Ok;
            },
            _ =>
            {
                if (refusal is null)
                    completion.TrySetResult(result!);
                else
                    completion.TrySetException(refusal);
            });
        return completion.Task;
    }
}
