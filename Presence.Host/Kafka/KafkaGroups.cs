using System.Collections.Concurrent;
using Confluent.Kafka;

namespace Presence.Host.Kafka;

/// <summary>
/// The metadata of consumer groups nobody subscribes with: that of an assign-only consumer (no member, generation -1),
/// which a broker accepts at any time. It is bytes, and outlives the consumer it was asked of.
/// </summary>
internal sealed class KafkaGroups(KafkaClients clients)
{
    private readonly ConcurrentDictionary<string, IConsumerGroupMetadata> _metadata = new();

    public IConsumerGroupMetadata MetadataOf(string group) => _metadata.GetOrAdd(group, Ask);

    private IConsumerGroupMetadata Ask(string group)
    {
        Dictionary<string, string> configuration = clients.Configure($"{group}-metadata", [], new() { ["group.id"] = group });
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(configuration).SetLogHandler((_, m) => clients.Log(m)).Build();
        return consumer.ConsumerGroupMetadata;
    }
}
