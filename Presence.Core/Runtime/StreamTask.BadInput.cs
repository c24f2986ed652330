using System.Globalization;
using System.Text;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>What cannot be decoded or processed, and damaged batches.</summary>
public sealed partial class StreamTask
{
    /// <summary>
    /// A damaged batch of an input begins at <paramref name="offset"/>. Returns whether reading goes on, at the input's
    /// position behind that; else the task stops. How far the damage reaches shows with the next good record.
    /// </summary>
    public bool OnCorrupt(int index, long offset)
    {
        TaskInput input = Inputs[index];
        if (_policy == BadInputPolicy.Stop)
        {
            Stop($"a damaged batch (CRC) at {input.Partition} offset {offset}; its policy is Stop. Set Presence:BadInput:{Service} to DeadLetter or Skip, or move the group's offset past it, and restart");
            return false;
        }

        input.SkipCorrupt(offset);
        return true;
    }

    /// <summary>
    /// Notes that a record fails in processing, or what it leads to in the log: after the rewind it goes the way of bad
    /// input. One that has gone that way already stops the task.
    /// </summary>
    public void Poison(int index, long offset, string reason)
    {
        TaskInput input = Inputs[index];
        if (!input.Poisoned.TryAdd(offset, reason))
            Stop(_policy == BadInputPolicy.DeadLetter ? NotSetAside(input, offset, input.Poisoned[offset], reason) : $"the record at {input.Partition} offset {offset} cannot be passed over: {reason}. Mend that, and restart");
    }

    private void ReportCorrupt(TaskInput input, long end)
    {
        long from = input.CorruptFrom;
        input.CorruptFrom = -1;
        _tally.Bad("corrupt_batch");
        if (_policy != BadInputPolicy.DeadLetter)
            return;
        string detail = $"corrupt_batch: offsets {from} to {end - 1} cannot be read (CRC)";
        LogRecord nothing = new() { Offset = from, Timestamp = _wallClock };
        _outbox.Add(new TopicPartition(_topics.DeadLetter, Id.Partition % _topics.DeadLetterPartitions), default, false, default, false, _wallClock, DeadLetterHeaders(input, nothing, detail));
    }

    private bool SetAside(TaskInput input, ITransactionalProducer? producer, int handled, out FeedResult result)
    {
        result = default;
        LogRecord record = input.Queue.Peek();
        bool poisoned = input.Poisoned.TryGetValue(record.Offset, out string? failure);
        string reason = poisoned ? "processing_failed" : BreachNames.Of(input.Head.Breach);
        string detail = poisoned ? $"processing_failed: {failure}" : input.Head.Field is null ? reason : $"{reason}: {input.Head.Field}";
        if (_policy == BadInputPolicy.Stop)
        {
            Stop($"bad input at {input.Partition} offset {record.Offset} ({detail}); its policy is Stop. Set Presence:BadInput:{Service} to DeadLetter or Skip, or move the group's offset past it, and restart");
            result = new FeedResult(FeedOutcome.Stopped, handled, Reason: StopReason);
            return false;
        }

        LogResult sent = LogResult.Ok;
        if (_policy == BadInputPolicy.DeadLetter)
        {
            int partitions = _topics.DeadLetterPartitions;
            int partition = record.HasKey ? Partitioner.Of(record.Key, partitions) : Id.Partition % partitions;
            _outbox.Add(new TopicPartition(_topics.DeadLetter, partition), record.Key, record.HasKey, record.Value, record.HasValue, record.Timestamp, DeadLetterHeaders(input, record, detail));
            if (producer is not null)
                sent = _outbox.Drain(producer);
            if (sent.Status == LogStatus.RecordRejected)
            {
                _outbox.Clear();
                Stop(NotSetAside(input, record.Offset, detail, sent.Reason));
                result = new FeedResult(FeedOutcome.Stopped, handled, Reason: StopReason);
                return false;
            }

            if (sent.Status is LogStatus.Abortable or LogStatus.Fatal)
            {
                result = new FeedResult(FeedOutcome.ProducerFailed, handled, sent);
                return false;
            }
        }

        _tally.Bad(reason);
        Advance(input);
        if (sent.IsOk)
            return true;
        result = new FeedResult(FeedOutcome.Blocked, handled + 1, sent);
        return false;
    }

    private string NotSetAside(TaskInput input, long offset, string detail, string? reason) =>
        $"the record at {input.Partition} offset {offset} ({detail}) cannot be written to {_topics.DeadLetter}: {reason}. Raise that topic's max.message.bytes and Kafka:Client:message.max.bytes, or set Presence:BadInput:{Service} to Skip, and restart";

    private RecordHeader[] DeadLetterHeaders(TaskInput input, in LogRecord record, string detail) =>
    [
        Header("presence.topic", input.Partition.Topic),
        Header("presence.partition", input.Partition.Partition.ToString(CultureInfo.InvariantCulture)),
        Header("presence.offset", record.Offset.ToString(CultureInfo.InvariantCulture)),
        Header("presence.timestamp", record.Timestamp.ToString(CultureInfo.InvariantCulture)),
        Header("presence.stage", Service),
        Header("presence.reason", detail),
    ];

    private static RecordHeader Header(string name, string value) => new(name, Encoding.UTF8.GetBytes(value));
}
