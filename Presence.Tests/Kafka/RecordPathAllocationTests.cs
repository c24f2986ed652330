using Presence.Core.Log;
using Presence.Tests.Conformance;

namespace Presence.Tests.Kafka;

/// <summary>Nothing is allocated for a record on its way in or out.</summary>
[NonParallelizable]
internal sealed class RecordPathAllocationTests
{
    private const int Records = 50_000;

    private static readonly TimeSpan Call = TimeSpan.FromMilliseconds(500);

    [Test]
    public async Task Neither_a_record_read_nor_a_record_written_costs_an_allocation()
    {
        using LogUnderTest log = await LogUnderTest.Open(LogKind.Kafka);
        string topic = log.CreateTopic(2);
        using ITransactionalProducer producer = log.Log.CreateProducer($"id-{Guid.NewGuid():N}");
        log.Ok(() => producer.Init(Call));
        log.Ok(producer.Begin);
        Write(producer, topic);
        long written = Allocated.By(() => Write(producer, topic));
        log.Ok(() => producer.Commit(Call));

        using ILogConsumer consumer = log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        consumer.Add(new TopicPartition(topic, 0), 0, 0);
        consumer.Add(new TopicPartition(topic, 1), 1, 0);
        Counter counter = new();
        Read(consumer, counter, Records);
        long read = Allocated.By(() => Read(consumer, counter, 2 * Records));

        Assert.That(counter.Bytes, Is.EqualTo(2 * Records * 108L));
        // The ends of partitions are news, not records: a few hundred bytes each.
        Assert.That(read / (double)Records, Is.LessThan(0.1), "bytes per record read");
        Assert.That(written / (double)Records, Is.LessThan(0.1), "bytes per record written");
    }

    // Of several transactions the best, as all of the process is counted. Where a report is left to the client it makes an
    // object of 88 bytes for it; a transaction itself costs a few thousand.
    [Test]
    public async Task Reports_of_delivery_that_a_commit_waits_for_cost_no_object_each()
    {
        const int few = 500;
        using LogUnderTest log = await LogUnderTest.Open(LogKind.Kafka);
        string topic = log.CreateTopic(2);
        using ITransactionalProducer producer = log.Log.CreateProducer($"id-{Guid.NewGuid():N}");
        log.Ok(() => producer.Init(Call));
        GroupOffsets[] positions = [new($"group-{Guid.NewGuid():N}", [(new TopicPartition(topic, 0), 1)])];
        long least = long.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            log.Ok(producer.Begin);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Write(producer, topic, few);
            log.Ok(() => producer.SendOffsets(positions, Call));
            log.Ok(() => producer.Commit(Call));
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.That(least / (double)few, Is.LessThan(44), "bytes per record of a transaction");
    }

    private static void Write(ITransactionalProducer producer, string topic, int records = Records)
    {
        Span<byte> key = stackalloc byte[8], value = stackalloc byte[100];
        key.Clear();
        value.Clear();
        TopicPartition even = new(topic, 0), odd = new(topic, 1);
        for (int i = 0; i < records; i++)
        {
            while (!producer.Produce(i % 2 == 0 ? even : odd, key, true, value, true, 1_700_000_000_000 + i).IsOk)
                ;
        }
    }

    private static void Read(ILogConsumer consumer, Counter counter, int until)
    {
        while (counter.Records < until)
            consumer.Poll(counter, until - counter.Records, TimeSpan.FromMilliseconds(20));
    }

    private sealed class Counter : ILogReceiver
    {
        public int Records { get; private set; }

        public long Bytes { get; private set; }

        public void OnRecord(int slot, in LogRecord record)
        {
            Records++;
            Bytes += record.Key.Length + record.Value.Length;
        }

        public void OnEnd(int slot, long position, long highWatermark)
        {
        }

        public void OnFault(int slot, LogFault fault, long offset, string detail)
        {
        }
    }
}
