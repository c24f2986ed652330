using System.Collections.Concurrent;
using Confluent.Kafka;
using Presence.Core.Log;
using TopicPartition = Presence.Core.Log.TopicPartition;

namespace Presence.Host.Kafka;

/// <summary>
/// An assign-only consumer. Every change of a position is a new assignment, not a seek: a seek fails where a damaged
/// batch has left the partition in an erroneous state, and takes 200 ms where nothing is fetched.
/// </summary>
internal sealed class KafkaConsumer : ILogConsumer
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(10);

    private readonly IConsumer<byte[], byte[]> _consumer;
    private readonly Dictionary<(string Topic, int Partition), int> _slots = [];
    private readonly HashSet<string> _prepared = [];
    private readonly ConcurrentQueue<string> _unreachable = new();
    private volatile bool _woken;

    public KafkaConsumer(KafkaClients clients, string name, Core.Log.IsolationLevel isolation)
    {
        Dictionary<string, string> configuration = clients.Configure(
            name,
            new()
            {
                // An assignment is served when the fetch under way returns; a busy one never waits for that.
                ["fetch.wait.max.ms"] = "50",
                ["fetch.queue.backoff.ms"] = "5",
                ["fetch.message.max.bytes"] = "4194304",
                ["queued.max.messages.kbytes"] = "32768",
                ["queued.min.messages"] = "50000",
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
    }

    /// <summary>
    /// By a paused assignment of its first partition: the client looks for the leaders of a topic it has not known only
    /// once a second.
    /// </summary>
    public void Prepare(string topic)
    {
        if (_slots.Keys.Any(s => s.Topic == topic) || !_prepared.Add(topic))
            return;
        _consumer.IncrementalAssign([new TopicPartitionOffset(topic, 0, Offset.End)]);
        _consumer.Pause([new Confluent.Kafka.TopicPartition(topic, 0)]);
    }

    public void Add(TopicPartition partition, int slot, long offset)
    {
        Remove(partition);
        _slots[(partition.Topic, partition.Partition)] = slot;
        _consumer.IncrementalAssign([new TopicPartitionOffset(partition.Topic, partition.Partition, offset)]);
    }

    public void Remove(TopicPartition partition)
    {
        bool isPrepared = partition.Partition == 0 && _prepared.Remove(partition.Topic);
        // It would stay paused beyond its assignment.
        if (isPrepared)
            _consumer.Resume([ToKafka(partition)]);
        if (_slots.Remove((partition.Topic, partition.Partition)) || isPrepared)
            _consumer.IncrementalUnassign([ToKafka(partition)]);
    }

    public void SetPaused(TopicPartition partition, bool paused)
    {
        if (paused)
            _consumer.Pause([ToKafka(partition)]);
        else
            _consumer.Resume([ToKafka(partition)]);
    }

    public int Poll(ILogReceiver receiver, int maxRecords, TimeSpan wait)
    {
        int delivered = 0;
        bool news = false;
        while (delivered < maxRecords)
        {
            TimeSpan slice = news || delivered > 0 || wait <= TimeSpan.Zero || _woken ? TimeSpan.Zero : wait < Slice ? wait : Slice;
            ConsumeResult<byte[], byte[]>? result;
            try
            {
                result = _consumer.Consume(slice);
            }
            catch (ConsumeException e)
            {
                news |= Report(e, receiver);
                continue;
            }
            catch (KafkaException e) when (!e.Error.IsFatal)
            {
                _unreachable.Enqueue(e.Error.Reason);
                result = null;
            }

            if (result is null)
            {
                if (slice == TimeSpan.Zero)
                    break;
                wait -= slice;
                continue;
            }

            if (!_slots.TryGetValue((result.Topic, result.Partition.Value), out int slot))
                continue;
            if (result.IsPartitionEOF)
            {
                news = true;
                receiver.OnEnd(slot, result.Offset.Value, EndOf(result.TopicPartition));
                continue;
            }

            byte[]? key = result.Message.Key;
            byte[]? value = result.Message.Value;
            receiver.OnRecord(slot, new LogRecord
            {
                Offset = result.Offset.Value,
                Timestamp = result.Message.Timestamp.UnixTimestampMs,
                Key = key,
                HasKey = key is not null,
                Value = value,
                HasValue = value is not null,
            });
            delivered++;
        }

        _woken = false;
        while (_unreachable.TryDequeue(out string? reason))
        {
            foreach (int slot in _slots.Values)
                receiver.OnFault(slot, LogFault.Unreachable, -1, reason);
        }

        return delivered;
    }

    public void Wake() => _woken = true;

    public void Dispose()
    {
        _consumer.Close();
        _consumer.Dispose();
    }

    private long EndOf(Confluent.Kafka.TopicPartition partition)
    {
        WatermarkOffsets watermarks = _consumer.GetWatermarkOffsets(partition);
        return watermarks.High.IsSpecial ? -1 : watermarks.High.Value;
    }

    private bool Report(ConsumeException e, ILogReceiver receiver)
    {
        ConsumeResult<byte[], byte[]>? at = e.ConsumerRecord is null ? null : new() { TopicPartitionOffset = e.ConsumerRecord.TopicPartitionOffset };
        if (at?.Topic is null || !_slots.TryGetValue((at.Topic, at.Partition.Value), out int slot))
            return false;
        LogFault? fault = e.Error.Code switch
        {
            ErrorCode.Local_BadMsg => LogFault.CorruptBatch,
            ErrorCode.OffsetOutOfRange or ErrorCode.Local_AutoOffsetReset => IsBelowStart(at) ? LogFault.OffsetBelowStart : LogFault.OffsetBeyondEnd,
            ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownPartition or ErrorCode.Local_UnknownTopic => LogFault.UnknownPartition,
            ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed => LogFault.Unauthorized,
            _ when e.Error.IsFatal => LogFault.UnknownPartition,
            // The rest of a damaged fetch is read as garbage; the report of its batch has come before.
            ErrorCode.Local_NotImplemented => null,
            _ => LogFault.Unreachable,
        };
        if (fault is null)
            return false;
        receiver.OnFault(slot, fault.Value, at.Offset.Value, e.Error.Reason);
        return true;
    }

    private bool IsBelowStart(ConsumeResult<byte[], byte[]> at)
    {
        try
        {
            return at.Offset.Value < _consumer.QueryWatermarkOffsets(at.TopicPartition, TimeSpan.FromSeconds(5)).Low.Value;
        }
        catch (KafkaException)
        {
            // Either way takeover looks anew.
            return true;
        }
    }

    private static Confluent.Kafka.TopicPartition ToKafka(TopicPartition partition) => new(partition.Topic, partition.Partition);
}
