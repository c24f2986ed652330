using System.Text;
using Confluent.Kafka;
using Presence.Core.Log;
using TopicPartition = Presence.Core.Log.TopicPartition;

namespace Presence.Host.Kafka;

/// <summary>A transactional producer; librdkafka's errors told apart as the runtime needs them.</summary>
internal sealed class KafkaProducer : ITransactionalProducer
{
    // How much longer than its time-out a send of offsets is waited for in one step, and in all.
    private static readonly TimeSpan Overtime = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(10);

    private readonly IProducer<byte[], byte[]> _producer;
    private readonly TimeProvider _time;
    private Task<LogResult>? _sending;
    private long _sendingSince;
    private readonly KafkaGroups _groups;
    private readonly Dictionary<TopicPartition, long> _tracked = [];
    private string? _deliveryFailure;
    private bool _recordsFault;

    public KafkaProducer(KafkaClients clients, KafkaGroups groups, string transactionalId)
    {
        _groups = groups;
        _time = clients.Time;
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

    /// <summary>
    /// On a thread of its own: this one call can hang in librdkafka whatever its time-out
    /// (docs/decisions/0005-a-producer-keeps-its-brokers.md). A repeat waits for the call that is under way; one that
    /// does not come back is the producer's end.
    /// </summary>
    public LogResult SendOffsets(string group, IReadOnlyList<(TopicPartition Partition, long Offset)> offsets, TimeSpan timeout)
    {
        if (_sending is null)
        {
            IConsumerGroupMetadata metadata = _groups.MetadataOf(group);
            TopicPartitionOffset[] positions = [.. offsets.Select(o => new TopicPartitionOffset(o.Partition.Topic, o.Partition.Partition, o.Offset))];
            _sendingSince = _time.GetTimestamp();
            _sending = Task.Run(() => Call(() => _producer.SendOffsetsToTransaction(positions, metadata, timeout)));
        }

        if (_sending.Wait(timeout + Overtime))
        {
            LogResult result = _sending.Result;
            _sending = null;
            return result;
        }

        TimeSpan elapsed = _time.GetElapsedTime(_sendingSince);
        return elapsed < HangLimit
            ? new LogResult(LogStatus.TimedOut, $"the offsets of group {group} are under way for {elapsed.TotalSeconds:0} s", OutsideCause: true)
            : new LogResult(LogStatus.Fatal, $"the client did not send the offsets of group {group} within {HangLimit.TotalSeconds:0} s and does not come back from the call", OutsideCause: true);
    }

    public LogResult Commit(TimeSpan timeout) => Call(() => _producer.CommitTransaction(timeout));

    public LogResult Abort(TimeSpan timeout) => Call(() => _producer.AbortTransaction(timeout));

    public long? TrackedOffset(TopicPartition partition) => _tracked.TryGetValue(partition, out long offset) ? offset : null;

    // A handle with a thread inside cannot be closed: it stays until that thread comes back. What it may still send is
    // refused, since the next incarnation fences its id before it begins.
    public void Dispose()
    {
        if (_sending is { IsCompleted: false })
            _sending.ContinueWith(_ => _producer.Dispose(), TaskScheduler.Default);
        else
            _producer.Dispose();
    }

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
