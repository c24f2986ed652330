namespace Presence.Core.Log.Simulated;

/// <summary>
/// The servers' side of a log as Kafka has it: partitions, transactions, consumer groups. It answers at once and truly;
/// what lies between it and its clients (delay, loss, time-outs) is the clients' part. One thread, virtual time.
/// </summary>
public sealed partial class SimulatedCluster
{
    private readonly SortedDictionary<string, SimulatedTopic> _topics = new(StringComparer.Ordinal);
    private readonly long[] _downUntil;
    private int _topicIds;

    /// <summary>Empty.</summary>
    public SimulatedCluster(SimulatedWorld world, SimulatedClusterOptions? options = null)
    {
        World = world;
        Options = options ?? new SimulatedClusterOptions();
        _downUntil = new long[Options.Brokers];
    }

    public SimulatedWorld World { get; }

    public SimulatedClusterOptions Options { get; }

    /// <summary>Topics that may not be read, and transactional ids that may not be used, until they are taken out again.</summary>
    public HashSet<string> Denied { get; } = [];

    /// <summary>
    /// Whether a broker refuses a batch that the client has taken, as one longer than its topic allows: by its transactional
    /// id and where it is to go. Nothing is refused where null.
    /// </summary>
    public Func<string, TopicPartition, bool>? Refuses { get; set; }

    /// <summary>All topics by name.</summary>
    public IReadOnlyDictionary<string, SimulatedTopic> Topics => _topics;

    /// <summary>Makes a topic; one that exists stays as it is.</summary>
    public void CreateTopic(TopicSpecification topic)
    {
        if (_topics.ContainsKey(topic.Name))
            return;
        SimulatedPartition[] partitions = [.. Enumerable.Range(0, topic.Partitions).Select(p => new SimulatedPartition(new TopicPartition(topic.Name, p), Options.KeepHistory))];
        _topics.Add(topic.Name, new SimulatedTopic(topic.Name, $"topic-{_topicIds++}", partitions, topic.Configuration));
        World.Note(topic.Name, topic.Partitions);
    }

    /// <summary>Deletes a topic with everything in it.</summary>
    public void DeleteTopic(string name) => _topics.Remove(name);

    /// <summary>A partition; null where there is none.</summary>
    public SimulatedPartition? Find(TopicPartition partition) =>
        _topics.TryGetValue(partition.Topic, out SimulatedTopic? topic) && partition.Partition < topic.Partitions.Count ? topic.Partitions[partition.Partition] : null;

    /// <summary>Writes a record outside transactions, as a producer of another program does.</summary>
    public void Append(string topic, byte[]? key, byte[]? value, long timestamp)
    {
        IReadOnlyList<SimulatedPartition> partitions = _topics[topic].Partitions;
        if (_topics[topic].Configuration.GetValueOrDefault("message.timestamp.type") == "LogAppendTime")
            timestamp = SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (World.Now / 1000);
        int partition = key is null ? 0 : Partitioner.Of(key, partitions.Count);
        World.Note(topic, partition, partitions[partition].Append(key, value, timestamp, [], null));
    }

    /// <summary>A broker is away for a while.</summary>
    public void StopBroker(int broker, TimeSpan span) =>
        _downUntil[broker] = Math.Max(_downUntil[broker], World.Now + (long)span.TotalMicroseconds);

    /// <summary>Whether the broker that leads a partition, a group or a transactional id is there.</summary>
    public bool IsUp(string what)
    {
        uint hash = 2166136261;
        foreach (char c in what)
            hash = (hash ^ c) * 16777619;
        return _downUntil[hash % (uint)_downUntil.Length] <= World.Now;
    }

    /// <summary>
    /// One partition of a compacted topic is compacted up to some place below its end, and below a bound; tombstones that
    /// have been there for the topic's <c>delete.retention.ms</c> go. As with Kafka that time begins when they are first
    /// compacted.
    /// </summary>
    public void Compact(SimulatedTopic topic, SimulatedPartition partition, long bound) => partition.Compact(
        Math.Min(bound, partition.Start + World.Next((int)(partition.End - partition.Start) + 1)),
        World.Now / 1000,
        topic.Configuration.TryGetValue("delete.retention.ms", out string? retention) ? long.Parse(retention, System.Globalization.CultureInfo.InvariantCulture) : long.MaxValue);
}
