using Confluent.Kafka;
using Presence.Core.Log;

namespace Presence.Host.Kafka;

internal sealed partial class KafkaConsumer
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(10);

    protected override int Read(ILogReceiver receiver, int maxRecords, TimeSpan wait)
    {
        int delivered = 0;
        bool news = false;
        while (delivered < maxRecords)
        {
            TimeSpan slice = news || delivered > 0 || wait <= TimeSpan.Zero || _woken ? TimeSpan.Zero : wait < Slice ? wait : Slice;
            bool isAnyThere = _batch is null
                ? TakeOne(receiver, slice, ref delivered, ref news)
                : TakeBatch(receiver, maxRecords - delivered, slice, ref delivered, ref news);
            if (isAnyThere)
                continue;
            if (slice == TimeSpan.Zero)
                break;
            wait -= slice;
        }

        _woken = false;
        while (_unreachable.TryDequeue(out string? reason))
        {
            foreach (int slot in _slots.All)
                receiver.OnFault(slot, LogFault.Unreachable, -1, reason);
        }

        return delivered;
    }

    // The client's own way: an object and two arrays per record.
    private bool TakeOne(ILogReceiver receiver, TimeSpan wait, ref int delivered, ref bool news)
    {
        ConsumeResult<byte[], byte[]>? result;
        try
        {
            result = _consumer.Consume(wait);
        }
        catch (ConsumeException e)
        {
            if (e.ConsumerRecord?.Topic is { } topic)
                news |= Report(e.Error, topic, e.ConsumerRecord.Partition.Value, _slots.Of(topic, e.ConsumerRecord.Partition.Value), e.ConsumerRecord.Offset.Value, receiver);
            return true;
        }
        catch (KafkaException e) when (!e.Error.IsFatal)
        {
            _unreachable.Enqueue(e.Error.Reason);
            return false;
        }

        if (result is null)
            return false;
        int slot = _slots.Of(result.Topic, result.Partition.Value);
        if (slot < 0)
            return true;
        if (result.IsPartitionEOF)
        {
            news = true;
            receiver.OnEnd(slot, result.Offset.Value, EndOf(result.TopicPartition));
            return true;
        }

        byte[]? key = result.Message.Key;
        byte[]? value = result.Message.Value;
        delivered++;
        receiver.OnRecord(slot, new LogRecord
        {
            Offset = result.Offset.Value,
            Timestamp = result.Message.Timestamp.UnixTimestampMs,
            Key = key,
            HasKey = key is not null,
            Value = value,
            HasValue = value is not null,
        });
        return true;
    }

    private long EndOf(Confluent.Kafka.TopicPartition partition)
    {
        WatermarkOffsets watermarks = _consumer.GetWatermarkOffsets(partition);
        return watermarks.High.IsSpecial ? -1 : watermarks.High.Value;
    }

    private bool Report(Error error, string topic, int partition, int slot, long offset, ILogReceiver receiver)
    {
        if (slot < 0)
            return false;
        LogFault? fault = error.Code switch
        {
            ErrorCode.Local_BadMsg => LogFault.CorruptBatch,
            ErrorCode.OffsetOutOfRange or ErrorCode.Local_AutoOffsetReset => IsBelowStart(topic, partition, offset) ? LogFault.OffsetBelowStart : LogFault.OffsetBeyondEnd,
            ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownPartition or ErrorCode.Local_UnknownTopic => LogFault.UnknownPartition,
            ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed => LogFault.Unauthorized,
            _ when error.IsFatal => LogFault.UnknownPartition,
            // The rest of a damaged fetch is read as garbage; the report of its batch has come before.
            ErrorCode.Local_NotImplemented => null,
            _ => LogFault.Unreachable,
        };
        if (fault is null)
            return false;
        receiver.OnFault(slot, fault.Value, offset, error.Reason);
        return true;
    }

    private bool IsBelowStart(string topic, int partition, long offset)
    {
        try
        {
            return offset < _consumer.QueryWatermarkOffsets(new Confluent.Kafka.TopicPartition(topic, partition), TimeSpan.FromSeconds(5)).Low.Value;
        }
        catch (KafkaException)
        {
            // Either way takeover looks anew.
            return true;
        }
    }
}
