using Microsoft.Extensions.Time.Testing;
using Presence.Core.Log;
using Presence.Host.Embedded;

namespace Presence.Tests.Embedded;

/// <summary>Compaction of the embedded log.</summary>
internal sealed class CompactionTests
{
    [TestCase("0", 1, TestName = "Compaction_keeps_the_last_record_of_a_key")]
    [TestCase("60000", 12_000, TestName = "Compaction_keeps_what_is_younger_than_the_lag")]
    public async Task Compacts(string lag, int left)
    {
        string directory = Directory.CreateTempSubdirectory("presence-embedded-").FullName;
        try
        {
            FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
            long now = time.GetUtcNow().ToUnixTimeMilliseconds();
            using EmbeddedLog log = new(directory, time, sync: false);
            await log.Admin.CreateTopics([new TopicSpecification("t", 1, null, new Dictionary<string, string> { ["cleanup.policy"] = "compact", ["min.compaction.lag.ms"] = lag })], CancellationToken.None);
            using IRecordWriter writer = log.CreateWriter();
            await writer.Append([.. Enumerable.Range(0, 12_000).Select(i => new ProducedRecord("t", "k"u8.ToArray(), [(byte)i], now))], CancellationToken.None);
            time.Advance(TimeSpan.FromSeconds(30));
            log.Maintain();
            Conformance.Delivered read = new();
            using ILogConsumer consumer = log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
            consumer.Add(new TopicPartition("t", 0), 0, 0);
            while (!read.Ends.ContainsKey(0))
                consumer.Poll(read, 100_000, TimeSpan.Zero);
            Assert.That(read.Records, Has.Count.EqualTo(left));
            Assert.That(read.Records[^1].Offset, Is.EqualTo(11_999));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
