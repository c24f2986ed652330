using System.Collections.Concurrent;
using Confluent.Kafka;
using Presence.Core.Log;
using Presence.Host.Kafka.Native;
using TopicPartition = Presence.Core.Log.TopicPartition;

namespace Presence.Host.Kafka;

/// <summary>
/// An assign-only consumer. Every change of a position is a new assignment, not a seek: a seek fails where a damaged
/// batch has left the partition in an erroneous state, and takes 200 ms where nothing is fetched. Who wants to read nothing
/// of a partition for a while removes it, too: one that is resumed is fetched up to 600 ms later, one that is added 25 ms.
/// </summary>
internal sealed partial class KafkaConsumer : LogConsumer
{
    private readonly LibrdKafka? _library;
    private readonly IConsumer<byte[], byte[]> _consumer;
    private readonly NativeBatch? _batch;
    private readonly KafkaSlots _slots = new();
    private readonly HashSet<string> _prepared = [];
    private readonly ConcurrentQueue<string> _unreachable = new();
    private volatile bool _woken;

    public KafkaConsumer(KafkaClients clients, string name, Core.Log.IsolationLevel isolation, FetchMode mode)
    {
        Dictionary<string, string> configuration = clients.Configure(
            name,
            new()
            {
                // An assignment is served when the fetch under way returns; a busy one never waits for that.
                ["fetch.wait.max.ms"] = "20",
                ["fetch.min.bytes"] = mode == FetchMode.Bulk ? "32768" : "1",
                ["fetch.queue.backoff.ms"] = "5",
                ["fetch.message.max.bytes"] = "524288",
                ["queued.max.messages.kbytes"] = "32768",
                ["queued.min.messages"] = "10000",
                ["fetch.error.backoff.ms"] = "50",
            },
            new()
            {
                ["group.id"] = name,
                ["enable.auto.commit"] = "false",
                ["enable.auto.offset.store"] = "false",
                ["auto.offset.reset"] = "error",
                ["check.crcs"] = "true",
                ["enable.partition.eof"] = "true",
                ["isolation.level"] = isolation == Core.Log.IsolationLevel.ReadCommitted ? "read_committed" : "read_uncommitted",
                ["dotnet.consumer.consume.result.fields"] = "timestamp,topic",
            });
        _consumer = new ConsumerBuilder<byte[], byte[]>(configuration)
            .SetLogHandler((_, m) => clients.Log(m))
            .SetErrorHandler((_, e) =>
            {
                if (e.Code == ErrorCode.Local_AllBrokersDown)
                    _unreachable.Enqueue(e.Reason);
            })
            .Build();
        _library = clients.Library;
        _batch = _library is null ? null : new NativeBatch(_library, _consumer.Handle);
    }

    /// <summary>
    /// By a paused assignment of its first partition: the client looks for the leaders of a topic it has not known only
    /// once a second. At a number, which is never fetched: a position like "the end" has to be asked for, and an answer that
    /// comes when the partition has been added meanwhile moves that to the end (docs/decisions/0008-fleets.md).
    /// </summary>
    public override void Prepare(string topic)
    {
        if (_slots.Contains(topic) || !_prepared.Add(topic))
            return;
        _consumer.IncrementalAssign([new TopicPartitionOffset(topic, 0, 0)]);
        _consumer.Pause([new Confluent.Kafka.TopicPartition(topic, 0)]);
    }

    public override void Add(TopicPartition partition, int slot, long offset)
    {
        Remove(partition);
        _slots.Set(partition, slot);
        _consumer.IncrementalAssign([new TopicPartitionOffset(partition.Topic, partition.Partition, offset)]);
    }

    public override void Remove(TopicPartition partition)
    {
        bool isPrepared = partition.Partition == 0 && _prepared.Remove(partition.Topic);
        if (_slots.Remove(partition) || isPrepared)
            _consumer.IncrementalUnassign([ToKafka(partition)]);
        // It would stay paused beyond its assignment; before its end it would be fetched.
        if (isPrepared)
            _consumer.Resume([ToKafka(partition)]);
    }

    public override void Wake() => _woken = true;

    protected override void Close()
    {
        _batch?.Dispose();
        try
        {
            _consumer.Close();
        }
        catch (KafkaException)
        {
            // A client that has failed for good cannot close properly; it has no group to leave.
        }
        finally
        {
            _consumer.Dispose();
        }
    }

    private static Confluent.Kafka.TopicPartition ToKafka(TopicPartition partition) => new(partition.Topic, partition.Partition);
}
