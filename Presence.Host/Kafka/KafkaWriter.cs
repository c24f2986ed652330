using Confluent.Kafka;
using Presence.Core.Log;

namespace Presence.Host.Kafka;

/// <summary>An idempotent producer for records from outside; partitions by Kafka's default.</summary>
internal sealed class KafkaWriter : IRecordWriter
{
    private readonly IProducer<byte[], byte[]> _producer;

    public KafkaWriter(KafkaClients clients)
    {
        Dictionary<string, string> configuration = clients.Configure(
            "presence-writer",
            new()
            {
                ["linger.ms"] = "5",
                ["compression.type"] = "lz4",
                // One after the other: a broker that is only just making a partition may refuse records and take those sent
                // after them (KAFKA-15591); the client reports both as delivered (librdkafka 2.16, rd_kafka_dr_implicit_ack).
                ["max.in.flight"] = "1",
                ["message.timeout.ms"] = "30000",
            },
            new()
            {
                ["enable.idempotence"] = "true",
                ["acks"] = "all",
                ["partitioner"] = "murmur2",
            });
        _producer = new ProducerBuilder<byte[], byte[]>(configuration).SetLogHandler((_, m) => clients.Log(m)).Build();
    }

    public async Task Append(IReadOnlyList<ProducedRecord> records, CancellationToken cancellation)
    {
        if (records.Count == 0)
            return;
        Pending pending = new(records.Count);
        foreach (ProducedRecord record in records)
        {
            Message<byte[], byte[]> message = new() { Key = record.Key, Value = record.Value!, Timestamp = new Timestamp(record.Timestamp, TimestampType.CreateTime) };
            while (true)
            {
                try
                {
                    _producer.Produce(record.Topic, message, pending.Delivered);
                    break;
                }
                catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
                {
                    cancellation.ThrowIfCancellationRequested();
                    _producer.Poll(TimeSpan.FromMilliseconds(10));
                }
                catch (ProduceException<byte[], byte[]> e)
                {
                    throw new LogException($"{record.Topic} does not take a record: {e.Error.Reason}", e);
                }
            }
        }

        await pending.Task.WaitAsync(cancellation);
    }

    // Whoever appends waits for the answer; nobody waits for what is still on its way.
    public void Dispose() => _producer.Dispose();

    private sealed class Pending(int count)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = count;
        private Error? _error;

        public Task Task => _done.Task;

        public void Delivered(DeliveryReport<byte[], byte[]> report)
        {
            if (report.Error.IsError)
                _error = report.Error;
            if (Interlocked.Decrement(ref _left) > 0)
                return;
            if (_error is null)
                _done.SetResult();
            else
                _done.SetException(new LogException($"the log did not take all records: {_error.Reason}"));
        }
    }
}
