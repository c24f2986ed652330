using Presence.Core.Log;

namespace Presence.Host.Kafka;

/// <summary>The slot of each partition a consumer reads, found by the topic's name as the client has it.</summary>
internal sealed class KafkaSlots
{
    private readonly Dictionary<string, KafkaTopicSlots> _topics = [];

    public IEnumerable<int> All => _topics.Values.SelectMany(t => t.Slots);

    /// <summary>True when a partition of it is read.</summary>
    public bool Contains(string topic) => _topics.ContainsKey(topic);

    public void Set(TopicPartition partition, int slot)
    {
        if (!_topics.TryGetValue(partition.Topic, out KafkaTopicSlots? topic))
            _topics[partition.Topic] = topic = new KafkaTopicSlots(partition.Topic);
        topic.Set(partition.Partition, slot);
    }

    /// <summary>False when it was not read.</summary>
    public bool Remove(TopicPartition partition)
    {
        if (!_topics.TryGetValue(partition.Topic, out KafkaTopicSlots? topic) || !topic.Remove(partition.Partition))
            return false;
        if (topic.Count == 0)
            _topics.Remove(partition.Topic);
        return true;
    }

    /// <summary>The partition's slot; -1 when it is not read.</summary>
    public int Of(string topic, int partition) => _topics.TryGetValue(topic, out KafkaTopicSlots? slots) ? slots.Of(partition) : -1;

    /// <summary>A topic by its name in UTF-8; a consumer reads a handful.</summary>
    public KafkaTopicSlots? Find(ReadOnlySpan<byte> name)
    {
        foreach (KafkaTopicSlots topic in _topics.Values)
        {
            if (topic.IsNamed(name))
                return topic;
        }

        return null;
    }
}
