namespace Presence.Core.Log;

/// <summary>A topic to be created.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Partitions">Number of partitions.</param>
/// <param name="ReplicationFactor">Copies of each partition; null: the broker's default.</param>
/// <param name="Configuration">Topic settings by Kafka's names.</param>
public sealed record TopicSpecification(
    string Name,
    int Partitions,
    int? ReplicationFactor,
    IReadOnlyDictionary<string, string> Configuration);
