using System.Text;
using Confluent.Kafka;
using Presence.Core.Log;
using TopicPartition = Presence.Core.Log.TopicPartition;

namespace Presence.Host.Kafka;

/// <summary>A transactional producer; librdkafka's errors told apart as the runtime needs them.</summary>
internal sealed class KafkaProducer : ITransactionalProducer
{
    private readonly IProducer<byte[], byte[]> _producer;
    private readonly KafkaGroups _groups;
    private readonly Dictionary<TopicPartition, long> _tracked = [];
    private string? _deliveryFailure;
    private bool _recordsFault;

    public KafkaProducer(KafkaClients clients, KafkaGroups groups, string transactionalId)
    {
        _groups = groups;
        Dictionary<string, string> configuration = clients.Configure(
            transactionalId,
            new()
            {
                ["linger.ms"] = "5",
                ["compression.type"] = "lz4",
                ["batch.size"] = "262144",
                ["batch.num.messages"] = "20000",
                ["queue.buffering.max.messages"] = "500000",
                ["queue.buffering.max.kbytes"] = "131072",
                // Longer than a broker takes to restart after a crash, so that such an outage costs a wait and not the
                // incarnation. Nobody waits for it to pass: what ends is fenced, which aborts its transaction at once.
                ["transaction.timeout.ms"] = "30000",
                ["message.timeout.ms"] = "30000",
            },
            new()
            {
                ["transactional.id"] = transactionalId,
                ["enable.idempotence"] = "true",
                ["acks"] = "all",
                // Not "rebootstrap": see docs/decisions/0005-a-producer-keeps-its-brokers.md.
                ["metadata.recovery.strategy"] = "none",
                ["dotnet.producer.delivery.report.fields"] = "status",
            });
        _producer = new ProducerBuilder<byte[], byte[]>(configuration).SetLogHandler((_, m) => clients.Log(m)).Build();
    }

    public LogResult Init(TimeSpan timeout) => Call(() => _producer.InitTransactions(timeout));

    public LogResult Begin()
    {
        _tracked.Clear();
        _deliveryFailure = null;
        _recordsFault = false;
        return Call(_producer.BeginTransaction);
    }

    public LogResult Produce(TopicPartition partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers, bool trackOffset)
    {
        Message<byte[], byte[]> message = new()
        {
            Key = hasKey ? key.ToArray() : null!,
            Value = hasValue ? value.ToArray() : null!,
            Timestamp = new Timestamp(timestamp, TimestampType.CreateTime),
        };
        if (headers.Length > 0)
        {
            message.Headers = [];
            foreach (RecordHeader header in headers)
                message.Headers.Add(header.Name, header.Value);
        }

        try
        {
            _producer.Produce(new Confluent.Kafka.TopicPartition(partition.Topic, partition.Partition), message, trackOffset ? report => OnDelivered(partition, report) : null);
            return LogResult.Ok;
        }
        catch (ProduceException<byte[], byte[]> e)
        {
            switch (e.Error.Code)
            {
                case ErrorCode.Local_QueueFull:
                    _producer.Poll(TimeSpan.FromMilliseconds(5));
                    return new LogResult(LogStatus.QueueFull, e.Error.Reason);
                case ErrorCode.MsgSizeTooLarge or ErrorCode.Local_InvalidArg or ErrorCode.InvalidMsg or ErrorCode.Local_UnknownPartition:
                    return new LogResult(LogStatus.RecordRejected, $"{e.Error.Reason} (key {key.Length} bytes, value {value.Length} bytes; the limit is Kafka:Client:message.max.bytes)");
                default:
                    return Judge(e);
            }
        }
    }

    public LogResult SendOffsets(string group, IReadOnlyList<(TopicPartition Partition, long Offset)> offsets, TimeSpan timeout) => Call(() =>
        _producer.SendOffsetsToTransaction(
            offsets.Select(o => new TopicPartitionOffset(o.Partition.Topic, o.Partition.Partition, o.Offset)),
            _groups.MetadataOf(group),
            timeout));

    public LogResult Commit(TimeSpan timeout) => Call(() => _producer.CommitTransaction(timeout));

    public LogResult Abort(TimeSpan timeout) => Call(() => _producer.AbortTransaction(timeout));

    public long? TrackedOffset(TopicPartition partition) => _tracked.TryGetValue(partition, out long offset) ? offset : null;

    public void Dispose() => _producer.Dispose();

    private void OnDelivered(TopicPartition partition, DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError)
        {
            _deliveryFailure = report.Error.Reason;
            _recordsFault |= IsRecordsFault(report.Error.Code);
        }
        else
        {
            _tracked[partition] = report.Offset.Value;
        }
    }

    private LogResult Call(Action call)
    {
        try
        {
            call();
            return LogResult.Ok;
        }
        catch (KafkaException e)
        {
            return Judge(e);
        }
    }

    // A time-out is no verdict; a producer id that the broker no longer knows is the end, though the client would
    // revive it: the id may have been fenced before it expired.
    private LogResult Judge(KafkaException e)
    {
        string reason = _deliveryFailure is null ? $"{e.Error.Code}: {e.Error.Reason}" : $"{e.Error.Code}: {e.Error.Reason} ({_deliveryFailure})";
        bool outside = !_recordsFault && !IsRecordsFault(e.Error.Code) && !reason.Contains("too large", StringComparison.OrdinalIgnoreCase);
        if (e.Error.IsFatal || e.Error.Code is ErrorCode.InvalidProducerIdMapping or ErrorCode.Local_Fenced or ErrorCode.ProducerFenced or ErrorCode.InvalidProducerEpoch or ErrorCode.TransactionalIdAuthorizationFailed or ErrorCode.InvalidTxnState)
            return new LogResult(LogStatus.Fatal, reason, OutsideCause: true);
        return e switch
        {
            KafkaTxnRequiresAbortException => new LogResult(LogStatus.Abortable, reason, outside),
            KafkaRetriableException => new LogResult(LogStatus.TimedOut, reason, true),
            _ when e.Error.Code is ErrorCode.Local_TimedOut or ErrorCode.Local_InProgress or ErrorCode.RequestTimedOut => new LogResult(LogStatus.TimedOut, reason, true),
            _ => new LogResult(LogStatus.Abortable, reason, outside),
        };
    }

    private static bool IsRecordsFault(ErrorCode code) =>
        code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidRecord or ErrorCode.InvalidMsg or ErrorCode.RecordListTooLarge or ErrorCode.InvalidTimestamp;
}
