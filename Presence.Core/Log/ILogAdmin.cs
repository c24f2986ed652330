namespace Presence.Core.Log;

/// <summary>
/// Questions and orders to the log as a whole. Thread-safe. The runtime never awaits these: it polls the task's
/// completion from its steps. Implementations retry what is passing; a fault of the task is a verdict
/// (<see cref="LogException"/>).
/// </summary>
public interface ILogAdmin : IDisposable
{
    /// <summary>Descriptions of the named topics; a topic that does not exist is absent from the result.</summary>
    Task<IReadOnlyDictionary<string, TopicDescription>> DescribeTopics(IReadOnlyCollection<string> topics, CancellationToken cancellation);

    /// <summary>Creates topics; one that exists already is left as it is.</summary>
    Task CreateTopics(IReadOnlyCollection<TopicSpecification> topics, CancellationToken cancellation);

    /// <summary>
    /// End offsets (the offset the next record gets). With <see cref="IsolationLevel.ReadUncommitted"/> the high
    /// watermark, open transactions included; with ReadCommitted the last stable offset.
    /// </summary>
    Task<IReadOnlyDictionary<TopicPartition, long>> EndOffsets(IReadOnlyCollection<TopicPartition> partitions, IsolationLevel isolation, CancellationToken cancellation);

    /// <summary>First offsets that are still there.</summary>
    Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsets(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation);

    /// <summary>
    /// Committed positions of a group, stable ones only: waits while an open transaction holds one of them.
    /// A partition without a committed position is absent from the result.
    /// </summary>
    Task<IReadOnlyDictionary<TopicPartition, long>> CommittedOffsets(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation);
}
