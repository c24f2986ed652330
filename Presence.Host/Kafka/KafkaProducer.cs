using System.Text;
using Confluent.Kafka;
using Presence.Core.Log;
using Presence.Host.Kafka.Native;
using TopicPartition = Presence.Core.Log.TopicPartition;

namespace Presence.Host.Kafka;

/// <summary>
/// A transactional producer; librdkafka's errors told apart as the runtime needs them. Calls that wait for brokers are
/// made on a thread of their own with a long time-out, and a repeat waits for the one under way: a call that timed out
/// inside the client and was resumed has been seen to end the process (docs/decisions/0007-calls-are-not-cut-short.md),
/// and a send of offsets can hang whatever its time-out (docs/decisions/0005-a-producer-keeps-its-brokers.md).
/// </summary>
internal sealed class KafkaProducer : ITransactionalProducer
{
    private static readonly TimeSpan ClientTimeout = TimeSpan.FromSeconds(60);

    // A send of offsets that takes longer does not come back.
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(1);

    private const string SendingOffsets = "send of offsets";

    private const int DeliveriesEvery = 512;

    private static readonly TimeSpan DeliveryPause = TimeSpan.FromMilliseconds(20);

    // Gives a full queue time to empty, and a report time to come.
    private static readonly TimeSpan QueuePause = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan FailureLimit = TimeSpan.FromMilliseconds(100);

    // What waits to be sent when a transaction is to be aborted goes out before, if it does so soon.
    private static readonly TimeSpan BeginLimit = TimeSpan.FromSeconds(1);

    private readonly IProducer<byte[], byte[]> _producer;
    private readonly NativeSender? _sender;
    private readonly NativeDeliveries? _deliveries;
    private readonly Lock _deliveryLock = new();
    private readonly TimeProvider _time;
    private readonly CallThread _calls;
    private Task<LogResult>? _call;
    private string _calling = "";
    private long _calledAt;
    private int _groupsSent;
    private readonly KafkaGroups _groups;
    private readonly Dictionary<TopicPartition, long> _tracked = [];
    private readonly Action<DeliveryReport<byte[], byte[]>>? _checking;
    private volatile string? _deliveryFailure;
    private TopicPartition? _doubtful;
    private volatile bool _isCauseKnown;
    private bool _recordsFault;
    private bool _isDoomed;
    private int _untilDeliveries;

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
                ["dotnet.producer.enable.background.poll"] = clients.Library is null ? "true" : "false",
            });
        _producer = new ProducerBuilder<byte[], byte[]>(configuration).SetLogHandler((_, m) => clients.Log(m)).Build();
        if (clients.Library is { } library)
        {
            _sender = new NativeSender(library, _producer.Handle);
            _deliveries = new NativeDeliveries(library, _producer.Handle, OnDelivered);
        }
        else
        {
            _checking = Check;
        }

        _calls = new CallThread($"presence-{transactionalId}", TakeDeliveries);
    }

    // The client looks for its coordinator at once; where it knows no broker by then, again after half a second only.
    public LogResult Init(TimeSpan timeout) => Await(
        "init",
        () =>
        {
            _sender?.Connect(ConnectLimit);
            _producer.InitTransactions(ClientTimeout);
        },
        timeout);

    public LogResult Begin()
    {
        lock (_deliveryLock)
        {
            _tracked.Clear();
            _deliveryFailure = null;
            _doubtful = null;
            _isCauseKnown = _recordsFault = _isDoomed = false;
        }

        _groupsSent = 0;

        return Call(_producer.BeginTransaction);
    }

    public LogResult Produce(TopicPartition partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers, bool trackOffset)
    {
        if (--_untilDeliveries < 0)
        {
            _untilDeliveries = DeliveriesEvery;
            TakeDeliveries();
        }

        // What the client refuses is asked for again its own way, for the reason.
        if (_sender is not null && !trackOffset && headers.IsEmpty && _sender.TrySend(partition.Topic, partition.Partition, key, hasKey, value, hasValue, timestamp))
            return LogResult.Ok;

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
            _producer.Produce(new Confluent.Kafka.TopicPartition(partition.Topic, partition.Partition), message, trackOffset ? Tracking(partition) : _checking);
            return LogResult.Ok;
        }
        catch (ProduceException<byte[], byte[]> e)
        {
            switch (e.Error.Code)
            {
                case ErrorCode.Local_QueueFull:
                    AwaitDelivery();
                    return new LogResult(LogStatus.QueueFull, e.Error.Reason);
                case ErrorCode.MsgSizeTooLarge or ErrorCode.Local_InvalidArg or ErrorCode.InvalidMsg or ErrorCode.Local_UnknownPartition:
                    return new LogResult(LogStatus.RecordRejected, $"{e.Error.Reason} (key {key.Length} bytes, value {value.Length} bytes; the limit is Kafka:Client:message.max.bytes)");
                case ErrorCode.Local_State:
                    // The transaction has failed: nothing more of it goes out.
                    _isDoomed = true;
                    AwaitFailure();
                    return Judge(e);
                default:
                    return Judge(e);
            }
        }
    }

    // All in one call of the other thread: each group is two round trips already.
    public LogResult SendOffsets(IReadOnlyList<GroupOffsets> groups, TimeSpan timeout)
    {
        if (_call is null)
            BeginSendOffsets(groups);
        LogResult result = Answer(SendingOffsets, timeout);
        return result.Status == LogStatus.TimedOut && _call is not null && SinceCalled() > HangLimit
            ? new LogResult(LogStatus.Fatal, $"the client did not send the offsets of group {groups[Math.Min(_groupsSent, groups.Count - 1)].Group} within {HangLimit.TotalSeconds:0} s and does not come back from the call", OutsideCause: true)
            : result;
    }

    private void BeginSendOffsets(IReadOnlyList<GroupOffsets> groups) => BeginCall(SendingOffsets, () =>
    {
        for (; _groupsSent < groups.Count; _groupsSent++)
        {
            (string group, List<(TopicPartition Partition, long Offset)> offsets) = groups[_groupsSent];
            Volatile.Write(ref _calledAt, _time.GetTimestamp());
            _producer.SendOffsetsToTransaction(
                offsets.Select(o => new TopicPartitionOffset(o.Partition.Topic, o.Partition.Partition, o.Offset)), _groups.MetadataOf(group), ClientTimeout);
        }

        _groupsSent = 0;
    });

    public LogResult Commit(TimeSpan timeout) => Await(
        "commit",
        () =>
        {
            AwaitDeliveries();
            if (_doubtful is { } partition)
                throw new KafkaException(new Error(ErrorCode.Local_Inconsistent, $"the client says that records to {partition} are written, but not where: the broker may have refused them"));
            _producer.CommitTransaction(ClientTimeout);
        },
        timeout);

    public LogResult Abort(TimeSpan timeout) => Await(
        "abort",
        () =>
        {
            // The client ends a transaction that the broker has not begun, since the one before it was still ending, and
            // is finished for good by the answer (docs/decisions/0011-what-is-aborted-has-begun.md).
            if (!_isDoomed)
                _producer.Flush(BeginLimit);
            _producer.AbortTransaction(ClientTimeout);
        },
        timeout);

    public long? TrackedOffset(TopicPartition partition) => _tracked.TryGetValue(partition, out long offset) ? offset : null;

    // A handle with a thread inside cannot be closed: it stays until that thread comes back. What it may still send is
    // refused, since the next incarnation fences its id before it begins.
    public void Dispose() => _calls.End(() =>
    {
        _sender?.Dispose();
        _deliveries?.Dispose();
        _producer.Dispose();
    });

    // Begins a call, or goes on waiting for the one under way.
    private LogResult Await(string what, Action call, TimeSpan timeout)
    {
        if (_call is null)
            BeginCall(what, call);
        return Answer(what, timeout);
    }

    private void BeginCall(string what, Action call)
    {
        _calling = what;
        Volatile.Write(ref _calledAt, _time.GetTimestamp());
        _call = _calls.Call(() => Call(call));
    }

    private LogResult Answer(string what, TimeSpan timeout)
    {
        if (_calling != what)
            throw new InvalidOperationException($"'{what}' is called while '{_calling}' has not answered yet");
        if (!_call!.Wait(timeout))
            return UnderWay(what);
        LogResult result = _call.Result;
        _call = null;
        return result;
    }

    private TimeSpan SinceCalled() => _time.GetElapsedTime(Volatile.Read(ref _calledAt));

    // Asked for all the time while a worker has other work: what is usual allocates nothing.
    private LogResult UnderWay(string what)
    {
        TimeSpan since = SinceCalled();
        return new LogResult(LogStatus.TimedOut, since < ConnectLimit ? what : $"{what} is under way for {since.TotalSeconds:0} s", OutsideCause: true);
    }

    private void TakeDeliveries() => _deliveries?.Take(TimeSpan.Zero);

    // The client refuses all that follows a record that failed, and only that record's report tells why. It is there or
    // about to be, unless something other than a record has failed.
    private void AwaitFailure()
    {
        long since = _time.GetTimestamp();
        while (!_isCauseKnown && _time.GetElapsedTime(since) < FailureLimit)
            AwaitDelivery();
    }

    private void AwaitDelivery()
    {
        if (_deliveries is null)
            _producer.Poll(QueuePause);
        else
            _deliveries.Take(QueuePause);
    }

    // None is left to the commit, in which the client would neither show them nor let the transaction be aborted. But where
    // one has failed the client refuses to commit, and knows of what it was.
    private void AwaitDeliveries()
    {
        int left;
        if (_deliveries is null)
        {
            left = _producer.Flush(ClientTimeout);
        }
        else
        {
            while ((left = _deliveries.Unreported) > 0 && _deliveryFailure is null && SinceCalled() < ClientTimeout)
                _deliveries.Take(DeliveryPause);
        }

        if (left > 0 && _deliveryFailure is null)
            throw new KafkaException(new Error(ErrorCode.Local_TimedOut, $"{left} records are not delivered yet"));
    }

    // Here, so that only tracked records make an object of what it captures.
    private Action<DeliveryReport<byte[], byte[]>> Tracking(TopicPartition partition) => report => OnDelivered(partition, report.Error, report.Offset.Value);

    private void Check(DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError || report.Offset.Value < 0)
            OnDelivered(new TopicPartition(report.Topic, report.Partition.Value), report.Error, report.Offset.Value);
    }

    // A broker that knows nothing of a producer at a partition takes a batch in the middle of its sequence (KAFKA-15591):
    // when it refuses the first one, and takes the second that is on its way already, the client believes that it must have
    // the first as well, and reports it as delivered, without an offset (librdkafka 2.16, rd_kafka_dr_implicit_ack).
    private void OnDelivered(TopicPartition partition, Error error, long offset)
    {
        lock (_deliveryLock)
        {
            if (error.IsError)
            {
                // What the client drops once a record has failed is no cause, and may be reported before it.
                bool isDropped = error.Code is ErrorCode.Local_PurgeQueue or ErrorCode.Local_PurgeInflight;
                if (_deliveryFailure is null || (!isDropped && !_isCauseKnown))
                    _deliveryFailure = error.Reason;
                _isCauseKnown |= !isDropped;
                _recordsFault |= IsRecordsFault(error.Code);
            }
            else if (offset < 0)
            {
                _doubtful = partition;
            }
            else
            {
                _tracked[partition] = offset;
            }
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
        // Nothing else says that the epoch went on: an id that may not be used is as it was.
        bool isFenced = e.Error.Code is ErrorCode.Local_Fenced or ErrorCode.ProducerFenced or ErrorCode.InvalidProducerEpoch;
        if (e.Error.IsFatal || isFenced || e.Error.Code is ErrorCode.InvalidProducerIdMapping or ErrorCode.TransactionalIdAuthorizationFailed or ErrorCode.InvalidTxnState)
            return new LogResult(LogStatus.Fatal, reason, OutsideCause: true, isFenced);
        // Nothing more of it goes out.
        _isDoomed |= e is KafkaTxnRequiresAbortException;
        return e switch
        {
            KafkaTxnRequiresAbortException => new LogResult(LogStatus.Abortable, reason, outside),
            KafkaRetriableException => new LogResult(LogStatus.TimedOut, reason, true),
            _ when e.Error.Code is ErrorCode.Local_TimedOut or ErrorCode.Local_InProgress or ErrorCode.RequestTimedOut => new LogResult(LogStatus.TimedOut, reason, true),
            _ => new LogResult(LogStatus.Abortable, reason, outside),
        };
    }

    // Not a timestamp that is refused: where brokers look at it, as in changelogs, it is this machine's clock.
    private static bool IsRecordsFault(ErrorCode code) =>
        code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidRecord or ErrorCode.InvalidMsg or ErrorCode.RecordListTooLarge;
}
