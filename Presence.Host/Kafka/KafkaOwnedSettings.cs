namespace Presence.Host.Kafka;

/// <summary>Client settings that the runtime's promises rest on: nobody else may set them.</summary>
public static class KafkaOwnedSettings
{
    /// <summary>Setting and reason.</summary>
    public static IReadOnlyDictionary<string, string> Reasons { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["bootstrap.servers"] = "set Kafka:BootstrapServers instead",
        ["metadata.broker.list"] = "set Kafka:BootstrapServers instead",
        ["client.id"] = "it names the instance and the loop a client belongs to",
        ["transactional.id"] = "it carries the incarnation, by which a dead one is fenced",
        ["enable.idempotence"] = "without it records are doubled",
        ["acks"] = "less than all loses acknowledged records",
        ["max.in.flight"] = "the order of records rests on it",
        ["max.in.flight.requests.per.connection"] = "the order of records rests on it",
        ["group.id"] = "groups follow from Presence:ApplicationId and the stage",
        ["group.instance.id"] = "it is Presence:InstanceId",
        ["group.protocol"] = "static membership of the classic protocol is relied on",
        ["enable.auto.commit"] = "positions are committed in transactions only",
        ["enable.auto.offset.store"] = "positions are committed in transactions only",
        ["auto.offset.reset"] = "a position out of range is decided by the runtime, never reset silently",
        ["isolation.level"] = "uncommitted records must not be processed",
        ["metadata.recovery.strategy"] = "producers that forget their brokers in an outage wait for ever in a commit (librdkafka 2.16)",
        ["check.crcs"] = "damaged records would be taken for good ones",
        ["enable.partition.eof"] = "the runtime must know when an input is read to its end",
    };
}
