namespace Presence.Core.Log;

/// <summary>A topic as it exists.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Identity that changes when a topic is deleted and made again.</param>
/// <param name="Partitions">Number of partitions.</param>
/// <param name="ReplicationFactor">Copies of each partition; 1 on the embedded log.</param>
/// <param name="Configuration">Topic settings by Kafka's names (<c>cleanup.policy</c>, <c>retention.ms</c>, …).</param>
public sealed record TopicDescription(
    string Name,
    string Id,
    int Partitions,
    int ReplicationFactor,
    IReadOnlyDictionary<string, string> Configuration);
