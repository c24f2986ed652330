using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Log;
using Presence.Host.Kafka;
using Presence.Tests.Conformance;

namespace Presence.Tests.Kafka;

/// <summary>A batch that a disk has damaged, on a real broker: one byte of its log is changed where it lies.</summary>
[NonParallelizable]
internal sealed class CorruptBatchTests
{
    private static readonly TimeSpan PollWait = TimeSpan.FromMilliseconds(20);

    [Test]
    public async Task A_damaged_batch_is_a_fault_where_it_begins_and_what_lies_behind_it_is_read()
    {
        using TestKafka.PrivateBroker broker = TestKafka.StartPrivate();
        TopicPartition partition = new("damaged", 0);
        using (KafkaLog log = Log(broker, isPlain: false))
        {
            await log.Admin.CreateTopics([new Core.Log.TopicSpecification(partition.Topic, 1, 1, new Dictionary<string, string>())], CancellationToken.None);
            using IRecordWriter writer = log.CreateWriter();
            for (int batch = 0; batch < 3; batch++)
                await writer.Append([Record($"batch-{batch}-a"), Record($"batch-{batch}-b")], CancellationToken.None);
        }

        string file = Directory.GetFiles(broker.DirectoryPath, "00000000000000000000.log", SearchOption.AllDirectories).Single(f => f.Contains("damaged-0", StringComparison.Ordinal));
        using (FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            stream.Position = bytes.AsSpan().IndexOf("batch-1-b"u8);
            stream.WriteByte((byte)'B');
        }

        foreach (bool isPlain in new[] { true, false })
        {
            using KafkaLog log = Log(broker, isPlain);
            using ILogConsumer consumer = log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
            Delivered read = new();
            consumer.Add(partition, 0, 0);
            Until(() => read.Faults.Count > 0, consumer, read);
            Assert.That(read.Values, Is.EqualTo(new[] { "batch-0-a", "batch-0-b" }));
            Assert.That(read.Faults[0], Is.EqualTo((0, LogFault.CorruptBatch, 2L)));
            read = new Delivered();
            consumer.Add(partition, 0, 4);
            Until(() => read.Ends.ContainsKey(0), consumer, read);
            Assert.That(read.Values, Is.EqualTo(new[] { "batch-2-a", "batch-2-b" }));
        }
    }

    private static KafkaLog Log(TestKafka.PrivateBroker broker, bool isPlain) =>
        new(new KafkaClients(new KafkaOptions { BootstrapServers = broker.Bootstrap, Client = { ["compression.type"] = "none" } }, TimeProvider.System, NullLogger.Instance, isPlain));

    private static ProducedRecord Record(string value) => new("damaged", "k"u8.ToArray(), Encoding.UTF8.GetBytes(value), 1_700_000_000_000);

    private static void Until(Func<bool> holds, ILogConsumer consumer, Delivered read)
    {
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();
        while (!holds())
        {
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(40)));
            consumer.Poll(read, 1_000, PollWait);
        }
    }
}
