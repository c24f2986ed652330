using Presence.Core.Log;
using Presence.Host.Kafka;

namespace Presence.Tests.Kafka;

/// <summary>Questions for ends of partitions by a client that knows no leaders yet.</summary>
internal sealed class EndOffsetsTests
{
    // The client's own call for it ended the process when leaders became known while it was asked (librdkafka 2.16:
    // rd_kafka_ListOffsets has the waiting question answered by another thread before it is set up).
    [Test]
    public async Task Many_questions_at_once_while_leaders_become_known_are_all_answered()
    {
        string bootstrap = await TestKafka.Bootstrap();
        string prefix = $"ends-{Guid.NewGuid():N}"[..12];
        TopicPartition[] partitions = [.. Enumerable.Range(0, 20).Select(t => new TopicPartition($"{prefix}-{t}", 0))];
        using (KafkaLog log = Open())
            await log.Admin.CreateTopics([.. partitions.Select(p => new TopicSpecification(p.Topic, 1, null, new Dictionary<string, string>()))], CancellationToken.None);
        for (int round = 0; round < 60; round++)
        {
            using KafkaLog log = Open();
            long[] ends = await Task.WhenAll(Enumerable.Range(0, 40).Select(q => Task.Run(async () =>
            {
                TopicPartition partition = partitions[q % partitions.Length];
                return (await log.Admin.EndOffsets([partition], q % 3 == 0 ? IsolationLevel.ReadCommitted : IsolationLevel.ReadUncommitted, CancellationToken.None))[partition];
            })));
            Assert.That(ends, Is.All.EqualTo(0));
        }

        KafkaLog Open() => OpenAt(bootstrap);
    }

    // Nothing listens there: each call lasts as long as its time-out.
    [Test]
    public void Who_closes_the_log_waits_for_the_calls_under_way()
    {
        KafkaLog log = OpenAt("127.0.0.1:1");
        TopicPartition partition = new("somewhere", 0);
        Task[] questions =
        [
            log.Admin.CommittedOffsets("group", [partition], CancellationToken.None),
            log.Admin.EndOffsets([partition], IsolationLevel.ReadUncommitted, CancellationToken.None),
            log.Admin.DescribeTopics([partition.Topic], CancellationToken.None),
        ];
        Thread.Sleep(300);
        long asked = System.Diagnostics.Stopwatch.GetTimestamp();
        log.Dispose();

        Assert.That(System.Diagnostics.Stopwatch.GetElapsedTime(asked), Is.GreaterThan(TimeSpan.FromSeconds(1)), "the calls have a time-out of 3 s");
        foreach (Task question in questions)
            Assert.That(() => question, Throws.TypeOf<LogException>().With.Message.Contain("the client is closed"));
    }

    private static KafkaLog OpenAt(string bootstrap) => new(new KafkaOptions { BootstrapServers = bootstrap }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<KafkaLog>.Instance);
}
