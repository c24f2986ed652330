using Confluent.Kafka;

namespace Presence.Benchmarks;

/// <summary>How far the groups of an application have committed.</summary>
internal sealed class Progress : IDisposable
{
    private const int AttemptsMax = 60;

    private static readonly Dictionary<string, string[]> Inputs = new()
    {
        ["walk-in"] = ["probes", "device-logins"],
        ["device-to-contact"] = ["crm-contacts", "crm-contacts-backfill", "crm-logins", "crm-logins-backfill", "device-logins"],
        ["enriched-walk-in"] = ["walk-ins", "device-to-contact"],
        ["walk-in-count"] = ["enriched-walk-ins"],
    };

    private readonly Dictionary<string, IConsumer<Ignore, Ignore>> _groups;
    private readonly int _partitions;

    /// <summary>Of an application on topics of equal partition counts.</summary>
    public Progress(string bootstrap, string application, int partitions)
    {
        _groups = Inputs.Keys.ToDictionary(
            service => service,
            service => new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = bootstrap, GroupId = $"{application}-{service}", EnableAutoCommit = false }).Build());
        _partitions = partitions;
    }

    /// <summary>Asks again while a new broker's coordinators load.</summary>
    public static async Task<T> Repeated<T>(Func<Task<T>> ask, CancellationToken cancellation = default)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await ask();
            }
            catch (KafkaException) when (attempt < AttemptsMax)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, cancellation);
            }
        }
    }

    /// <summary>Probes that are committed, and records of all inputs that are not.</summary>
    public Task<(long Probes, long Lag)> Look() => Repeated(() => Task.Run(Ask));

    /// <summary>Probes that are committed, by partition: one request, for those who ask often.</summary>
    public Task<long[]> Probes() => Repeated(() => Task.Run(AskProbes));

    /// <summary>Probes that are there, by partition.</summary>
    public async Task<long[]> ProbeEnds()
    {
        Dictionary<TopicPartition, long> ends = await Repeated(() => Task.Run(Ends));
        return [.. Partitions(["probes"]).Select(p => ends[p])];
    }

    // Blocks.
    private long[] AskProbes()
    {
        long[] committed = new long[_partitions];
        foreach (TopicPartitionOffset position in _groups["walk-in"].Committed(Partitions(["probes"]), TimeSpan.FromSeconds(20)))
            committed[position.Partition.Value] = Math.Max(0, position.Offset.Value);
        return committed;
    }

    private (long Probes, long Lag) Ask()
    {
        Dictionary<TopicPartition, long> ends = Ends();
        long probes = 0, lag = 0;
        foreach ((string service, string[] topics) in Inputs)
        {
            List<TopicPartition> partitions = Partitions(topics);
            foreach (TopicPartitionOffset position in _groups[service].Committed(partitions, TimeSpan.FromSeconds(20)))
            {
                long committed = Math.Max(0, position.Offset.Value);
                lag += Math.Max(0, ends[position.TopicPartition] - committed);
                if (position.Topic == "probes")
                    probes += committed;
            }
        }

        return (probes, lag);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IConsumer<Ignore, Ignore> group in _groups.Values)
            group.Dispose();
    }

    // By a consumer: the admin client's call can end the process (see KafkaAdmin). Committed records only. Blocks.
    private Dictionary<TopicPartition, long> Ends()
    {
        IEnumerable<TopicPartitionTimestamp> asked = Partitions(Inputs.Values.SelectMany(t => t).Distinct()).Select(p => new TopicPartitionTimestamp(p, new Timestamp(-1, TimestampType.CreateTime)));
        List<TopicPartitionOffset> found = _groups["walk-in"].OffsetsForTimes(asked, TimeSpan.FromSeconds(20));
        return found.Exists(o => o.Offset.IsSpecial)
            ? throw new KafkaException(new Error(ErrorCode.Local_Transport, "a partition's leader did not answer"))
            : found.ToDictionary(o => o.TopicPartition, o => o.Offset.Value);
    }

    private List<TopicPartition> Partitions(IEnumerable<string> topics) =>
        [.. topics.SelectMany(t => Enumerable.Range(0, _partitions).Select(i => new TopicPartition(t, i)))];
}
