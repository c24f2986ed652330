using System.Collections.Concurrent;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Polly;
using Polly.Retry;
using Presence.Core.Log;
using TopicDescription = Presence.Core.Log.TopicDescription;
using TopicPartition = Presence.Core.Log.TopicPartition;
using TopicSpecification = Presence.Core.Log.TopicSpecification;

namespace Presence.Host.Kafka;

/// <summary>Kafka's admin calls. What passes is retried, within about 10 s; what is refused for good is not.</summary>
internal sealed class KafkaAdmin : ILogAdmin
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    // Short: asked every second, and after an outage waiting inputs go on when it is answered.
    private static readonly TimeSpan OffsetsTimeout = TimeSpan.FromSeconds(3);

    // Leaders are remembered for this long. A question that goes out with an old leader's epoch is refused, and is asked
    // again with the same epoch until what is remembered expires: by default after 15 minutes.
    private static readonly Dictionary<string, string> LeaderSettings = new() { ["metadata.max.age.ms"] = "2000" };

    // What the protocol has in place of a time.
    private static readonly Timestamp Latest = new(-1, TimestampType.CreateTime);
    private static readonly Timestamp Earliest = new(-2, TimestampType.CreateTime);

    private readonly KafkaClients _clients;
    private readonly Lazy<IAdminClient> _admin;
    private readonly ResiliencePipeline _retry;
    private readonly Lazy<IConsumer<Ignore, Ignore>> _committed;
    private readonly Lazy<IConsumer<Ignore, Ignore>> _uncommitted;
    private readonly ConcurrentDictionary<string, Lazy<IConsumer<Ignore, Ignore>>> _groups = new();
    private readonly object _gate = new();
    private int _underWay;
    private bool _isClosed;

    public KafkaAdmin(KafkaClients clients)
    {
        _clients = clients;
        _admin = new Lazy<IAdminClient>(() =>
            new AdminClientBuilder(clients.Configure("presence-admin", [], [])).SetLogHandler((_, m) => clients.Log(m)).Build());
        _committed = new(() => CreateConsumer("presence-ends-committed", "presence-ends", "read_committed", LeaderSettings));
        _uncommitted = new(() => CreateConsumer("presence-ends", "presence-ends", "read_uncommitted", LeaderSettings));
        _retry = new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = 12,
                BackoffType = DelayBackoffType.Exponential,
                Delay = TimeSpan.FromMilliseconds(20),
                MaxDelay = TimeSpan.FromSeconds(1),
                UseJitter = true,
                ShouldHandle = new PredicateBuilder().Handle<KafkaException>(e => !IsFinal(CodeOf(e))),
            })
            .Build();
    }

    public Task<IReadOnlyDictionary<string, TopicDescription>> DescribeTopics(IReadOnlyCollection<string> topics, CancellationToken cancellation) => Ask<IReadOnlyDictionary<string, TopicDescription>>("describe topics", async () =>
    {
        List<Confluent.Kafka.Admin.TopicDescription> described;
        try
        {
            described = (await _admin.Value.DescribeTopicsAsync(TopicCollection.OfTopicNames(topics), new DescribeTopicsOptions { RequestTimeout = RequestTimeout })).TopicDescriptions;
        }
        catch (DescribeTopicsException e) when (e.Results.TopicDescriptions.TrueForAll(t => t.Error.Code is ErrorCode.NoError or ErrorCode.UnknownTopicOrPart))
        {
            described = e.Results.TopicDescriptions;
        }

        List<Confluent.Kafka.Admin.TopicDescription> existing = [.. described.Where(t => !t.Error.IsError)];
        Dictionary<string, TopicDescription> found = [];
        if (existing.Count == 0)
            return found;
        List<DescribeConfigsResult> configurations = await _admin.Value.DescribeConfigsAsync(
            existing.Select(t => new ConfigResource { Type = ResourceType.Topic, Name = t.Name }),
            new DescribeConfigsOptions { RequestTimeout = RequestTimeout });
        foreach (Confluent.Kafka.Admin.TopicDescription topic in existing)
        {
            Dictionary<string, string> configuration = configurations.Single(c => c.ConfigResource.Name == topic.Name).Entries.ToDictionary(e => e.Key, e => e.Value.Value ?? "");
            found[topic.Name] = new TopicDescription(
                topic.Name,
                $"{topic.TopicId.MostSignificantBits.Value:x16}{topic.TopicId.LeastSignificantBits.Value:x16}",
                topic.Partitions.Count,
                topic.Partitions.Count == 0 ? 0 : topic.Partitions[0].Replicas.Count,
                configuration);
        }

        return found;
    }, cancellation);

    public async Task CreateTopics(IReadOnlyCollection<TopicSpecification> topics, CancellationToken cancellation)
    {
        HashSet<string> existing = await Ask("create topics", async () =>
        {
            try
            {
                await _admin.Value.CreateTopicsAsync(
                    topics.Select(t => new Confluent.Kafka.Admin.TopicSpecification
                    {
                        Name = t.Name,
                        NumPartitions = t.Partitions,
                        ReplicationFactor = (short)(t.ReplicationFactor ?? -1),
                        Configs = new Dictionary<string, string>(t.Configuration),
                    }),
                    new CreateTopicsOptions { RequestTimeout = RequestTimeout, OperationTimeout = RequestTimeout });
                return [];
            }
            catch (CreateTopicsException e) when (e.Results.TrueForAll(r => r.Error.Code is ErrorCode.NoError or ErrorCode.TopicAlreadyExists))
            {
                // They are there, whoever made them.
                return e.Results.Where(r => r.Error.IsError).Select(r => r.Topic).ToHashSet();
            }
        }, cancellation);

        // A broker makes the partitions one after the other. It may refuse the first records of a producer and take the next
        // ones (KAFKA-15591); the client then reports both as delivered (librdkafka 2.16, rd_kafka_dr_implicit_ack).
        using CancellationTokenSource limit = new(RequestTimeout, _clients.Time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            await EndOffsets([.. topics.Where(t => !existing.Contains(t.Name)).SelectMany(t => Enumerable.Range(0, t.Partitions).Select(p => new TopicPartition(t.Name, p)))], Core.Log.IsolationLevel.ReadUncommitted, either.Token);
        }
        catch (Exception e) when (e is LogException || limit.IsCancellationRequested)
        {
            // They are made, though not all have their leaders yet: that is for whoever uses them to see.
        }
    }

    public Task<IReadOnlyDictionary<TopicPartition, long>> EndOffsets(IReadOnlyCollection<TopicPartition> partitions, Core.Log.IsolationLevel isolation, CancellationToken cancellation) =>
        ListOffsets(partitions, Latest, isolation, cancellation);

    public Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsets(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation) =>
        ListOffsets(partitions, Earliest, Core.Log.IsolationLevel.ReadUncommitted, cancellation);

    // By a consumer, not by the admin client's call: that one crashes the process (librdkafka 2.16, a null consumer
    // group in rd_kafka_handle_OffsetFetch) when the coordinator answers with an error, as it does while a transaction
    // holds an offset. A consumer at read_committed asks for stable offsets.
    public Task<IReadOnlyDictionary<TopicPartition, long>> CommittedOffsets(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation) => Ask($"read the offsets of group {group}", () => Task.Run<IReadOnlyDictionary<TopicPartition, long>>(
        () =>
        {
            IConsumer<Ignore, Ignore> consumer = _groups.GetOrAdd(group, g => new Lazy<IConsumer<Ignore, Ignore>>(() => CreateConsumer($"{g}-offsets", g, "read_committed", []))).Value;
            Dictionary<TopicPartition, long> found = [];
            foreach (TopicPartitionOffset partition in consumer.Committed(partitions.Select(ToKafka), OffsetsTimeout))
            {
                if (!partition.Offset.IsSpecial)
                    found[new TopicPartition(partition.Topic, partition.Partition.Value)] = partition.Offset.Value;
            }

            return found;
        },
        cancellation), cancellation);

    // A client must not be closed while another thread is in a call of it.
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            while (_underWay > 0)
                Monitor.Wait(_gate);
        }

        if (_admin.IsValueCreated)
            _admin.Value.Dispose();
        foreach (Lazy<IConsumer<Ignore, Ignore>> consumer in _groups.Values.Append(_committed).Append(_uncommitted))
        {
            if (consumer.IsValueCreated)
                consumer.Value.Dispose();
        }
    }

    private IConsumer<Ignore, Ignore> CreateConsumer(string name, string group, string isolation, Dictionary<string, string> settings) =>
        new ConsumerBuilder<Ignore, Ignore>(_clients.Configure(name, [], new(settings) { ["group.id"] = group, ["isolation.level"] = isolation }))
            .SetLogHandler((_, m) => _clients.Log(m))
            .Build();

    // By a consumer, not by the admin client's call: that one ends the process (librdkafka 2.16, a null event in
    // rd_kafka_ListOffsets) when leaders become known while it looks for them, for another thread then answers the
    // question before it is set up.
    private Task<IReadOnlyDictionary<TopicPartition, long>> ListOffsets(IReadOnlyCollection<TopicPartition> partitions, Timestamp at, Core.Log.IsolationLevel isolation, CancellationToken cancellation) => Ask("list offsets", () => Task.Run<IReadOnlyDictionary<TopicPartition, long>>(
        () =>
        {
            IConsumer<Ignore, Ignore> consumer = (isolation == Core.Log.IsolationLevel.ReadCommitted ? _committed : _uncommitted).Value;
            List<TopicPartitionOffset> found = partitions.Count == 0 ? [] : consumer.OffsetsForTimes(partitions.Select(p => new TopicPartitionTimestamp(ToKafka(p), at)), OffsetsTimeout);
            // The client gives no error for a partition whose leader went away while it asked.
            if (found.Find(o => o.Offset.IsSpecial) is { } unanswered)
                throw new KafkaException(new Error(ErrorCode.Local_Transport, $"{unanswered.TopicPartition}: its leader did not answer"));
            return found.ToDictionary(o => new TopicPartition(o.Topic, o.Partition.Value), o => o.Offset.Value);
        },
        cancellation), cancellation);

    private async Task<T> Whole<T>(Func<Task<T>> call)
    {
        lock (_gate)
        {
            if (_isClosed)
                throw new LogException($"Kafka at {_clients.BootstrapServers} is not asked any more: the client is closed");
            _underWay++;
        }

        try
        {
            return await call();
        }
        finally
        {
            lock (_gate)
            {
                _underWay--;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private async Task<T> Ask<T>(string what, Func<Task<T>> call, CancellationToken cancellation)
    {
        try
        {
            return await _retry.ExecuteAsync(async _ => await Whole(call), cancellation);
        }
        catch (KafkaException e)
        {
            throw new LogException($"Kafka at {_clients.BootstrapServers} did not {what}: {Describe(e)}", e);
        }
    }

    private static string Describe(KafkaException e) => e switch
    {
        CreateTopicsException c => string.Join("; ", c.Results.Where(r => r.Error.IsError).Select(r => $"{r.Topic}: {r.Error.Reason}")),
        TopicPartitionOffsetException t => string.Join("; ", t.Results.Where(r => r.Error.IsError).Select(r => $"{r.TopicPartition}: {r.Error.Reason}")),
        _ => e.Error.Reason,
    };

    private static ErrorCode CodeOf(KafkaException e) => e switch
    {
        CreateTopicsException c => c.Results.Find(r => r.Error.IsError && r.Error.Code != ErrorCode.TopicAlreadyExists)?.Error.Code ?? e.Error.Code,
        _ => e.Error.Code,
    };

    private static bool IsFinal(ErrorCode code) => code is
        ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed or
        ErrorCode.InvalidPartitions or ErrorCode.InvalidReplicationFactor or ErrorCode.InvalidConfig or ErrorCode.PolicyViolation or
        ErrorCode.TopicException or ErrorCode.SaslAuthenticationFailed or ErrorCode.Local_InvalidArg;

    private static Confluent.Kafka.TopicPartition ToKafka(TopicPartition partition) => new(partition.Topic, partition.Partition);
}
