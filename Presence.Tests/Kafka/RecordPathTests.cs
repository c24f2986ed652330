using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Log;
using Presence.Host.Kafka;
using Presence.Host.Kafka.Native;
using Presence.Tests.Conformance;

namespace Presence.Tests.Kafka;

/// <summary>
/// The way of records through the client, past its wrapping and the client's own: what the suite for every log does not
/// ask, the same of both.
/// </summary>
[TestFixture(LogKind.Kafka)]
[TestFixture(LogKind.KafkaPlain)]
[NonParallelizable]
internal sealed class RecordPathTests(LogKind kind)
{
    private static readonly TimeSpan Call = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PollWait = TimeSpan.FromMilliseconds(20);
    private LogUnderTest _log = null!;

    [OneTimeSetUp]
    public async Task Open() => _log = await LogUnderTest.Open(kind);

    [OneTimeTearDown]
    public void Close() => _log?.Dispose();

    [Test]
    public void The_library_of_the_client_is_found_and_bound()
    {
        Assert.That(LibrdKafka.Load(out string reason), Is.Not.Null, reason);
    }

    [Test]
    public void No_key_and_an_empty_key_no_value_and_an_empty_value_are_told_apart()
    {
        (string? Key, string? Value, long Timestamp)[] written =
        [
            ("k", "v", 1_700_000_000_001), (null, "v", 1_700_000_000_002), ("", "v", 1_700_000_000_003), ("k", null, 1_700_000_000_004),
            ("k", "", 1_700_000_000_005), (null, null, 1_700_000_000_006), ("", "", 1_700_000_000_007), ("schlüssel", new string('w', 100_000), 1_700_000_000_008),
        ];
        TopicPartition partition = new(_log.CreateTopic(), 0);
        Write(partition, written);
        using ILogConsumer consumer = Consumer();
        Delivered read = new();
        consumer.Add(partition, 7, 0);
        PollUntil(consumer, read, () => read.Ends.GetValueOrDefault(7) == written.Length + 1);
        Assert.That(read.Records, Is.EqualTo(written.Select((w, i) => (7, (long)i, w.Key, w.Value, w.Timestamp))));
    }

    [TestCase(0)]
    [TestCase(300)]
    public void A_topic_may_be_prepared_and_added_before_the_log_has_it(int pause)
    {
        using ILogConsumer consumer = Consumer();
        Delivered read = new();
        string topic = $"later-{Guid.NewGuid():N}";
        consumer.Prepare(topic);
        _log.Pass(TimeSpan.FromMilliseconds(pause));
        consumer.Add(new TopicPartition(topic, 0), 7, 0);
        consumer.Remove(new TopicPartition(topic, 0));
        consumer.Add(new TopicPartition(topic, 0), 7, 0);
        _log.Await(_log.Log.Admin.CreateTopics([new TopicSpecification(topic, 1, null, new Dictionary<string, string>())], CancellationToken.None));
        Write(new TopicPartition(topic, 0), Numbers(3));
        PollUntil(consumer, read, () => read.Records.Count == 3);
    }

    [Test]
    public void No_poll_delivers_more_than_it_was_asked_for_and_nothing_is_lost_between_two()
    {
        string topic = _log.CreateTopic(3), other = _log.CreateTopic();
        TopicPartition[] partitions = [new(topic, 0), new(topic, 1), new(topic, 2), new(other, 0)];
        foreach (TopicPartition partition in partitions)
            Write(partition, Numbers(500));
        using ILogConsumer consumer = Consumer();
        for (int slot = 0; slot < partitions.Length; slot++)
            consumer.Add(partitions[slot], slot, 0);
        Delivered read = new();
        _log.Until(
            () =>
            {
                int before = read.Records.Count;
                int delivered = consumer.Poll(read, 7, PollWait);
                Assert.That(delivered, Is.LessThanOrEqualTo(7));
                Assert.That(read.Records, Has.Count.EqualTo(before + delivered));
                return read.Records.Count >= 2_000;
            },
            "all records");
        for (int slot = 0; slot < partitions.Length; slot++)
            Assert.That(read.Records.Where(r => r.Slot == slot).Select(r => r.Offset), Is.EqualTo(Enumerable.Range(0, 500)));
    }

    [Test]
    public void A_partition_that_is_removed_amid_its_records_goes_on_with_the_next_one()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        Write(partition, Numbers(1_000));
        using ILogConsumer consumer = Consumer();
        consumer.Add(partition, 0, 0);
        Delivered read = new();
        while (read.Records.Count < 1_000)
        {
            int before = read.Records.Count;
            PollUntil(consumer, read, () => read.Records.Count > before, max: 150);
            consumer.Remove(partition);
            before = read.Records.Count;
            Assert.That(consumer.Poll(read, 150, PollWait), Is.Zero);
            consumer.Add(partition, 0, before);
        }

        Assert.That(read.Records.Select(r => r.Offset), Is.EqualTo(Enumerable.Range(0, 1_000)));
    }

    [Test]
    public void A_position_that_was_moved_amid_the_records_holds()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        Write(partition, Numbers(1_000));
        using ILogConsumer consumer = Consumer();
        foreach (long position in new long[] { 0, 900, 3, 400 })
        {
            Delivered read = new();
            consumer.Add(partition, 0, position);
            PollUntil(consumer, read, () => read.Records.Count > 0, max: 5);
            Assert.That(read.Records[0].Offset, Is.EqualTo(position));
        }
    }

    [Test]
    public void What_was_removed_and_added_again_before_its_old_position_can_be_removed_at_once()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        Write(partition, Numbers(5_000));
        using ILogConsumer consumer = Consumer();
        for (int round = 0; round < 30; round++)
        {
            Delivered read = new();
            consumer.Add(partition, 0, 0);
            PollUntil(consumer, read, () => read.Records.Count > 0, max: 300);
            consumer.Remove(partition);
            Assert.That(consumer.Poll(read, 300, TimeSpan.Zero), Is.Zero);
            read = new();
            consumer.Add(partition, 0, 0);
            PollUntil(consumer, read, () => read.Records.Count > 0, max: 1);
            consumer.Remove(partition);
            consumer.Add(partition, 0, 1);
            PollUntil(consumer, read, () => read.Records.Count > 1, max: 1);
            Assert.That(read.Records.Select(r => r.Offset), Is.EqualTo(new[] { 0, 1 }));
            consumer.Remove(partition);
        }
    }

    [Test]
    public void A_receiver_that_throws_costs_no_record_but_the_one_it_threw_at()
    {
        string topic = _log.CreateTopic(2);
        TopicPartition[] partitions = [new(topic, 0), new(topic, 1)];
        foreach (TopicPartition partition in partitions)
            Write(partition, Numbers(300));
        using ILogConsumer consumer = Consumer();
        consumer.Add(partitions[0], 0, 0);
        consumer.Add(partitions[1], 1, 0);
        Throwing receiver = new(at: [(0, 5), (0, 6), (1, 100), (0, 299)]);
        _log.Until(
            () =>
            {
                try
                {
                    consumer.Poll(receiver, 1_000, PollWait);
                }
                catch (NotSupportedException)
                {
                }

                return receiver.Delivered.Records.Count == 596 && receiver.Delivered.Ends.Count == 2;
            },
            "all records but four, and both ends");
        Assert.That(receiver.Delivered.Records.Where(r => r.Slot == 0).Select(r => r.Offset), Is.EqualTo(Enumerable.Range(0, 300).Where(o => o is not (5 or 6 or 299))));
        Assert.That(receiver.Delivered.Records.Where(r => r.Slot == 1).Select(r => r.Offset), Is.EqualTo(Enumerable.Range(0, 300).Where(o => o != 100)));
    }

    [Test]
    public void A_wait_ends_with_the_first_record_and_without_one_it_does_not_take_longer()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ILogConsumer consumer = Consumer();
        Delivered read = new();
        consumer.Add(partition, 0, 0);
        PollUntil(consumer, read, () => read.Ends.Count > 0);
        Stopwatch watch = Stopwatch.StartNew();
        Assert.That(consumer.Poll(read, 100, TimeSpan.FromMilliseconds(60)), Is.Zero);
        Assert.That(watch.Elapsed, Is.GreaterThan(TimeSpan.FromMilliseconds(50)));
        Task writing = Task.Run(() => Write(partition, Numbers(1)));
        watch.Restart();
        Assert.That(consumer.Poll(read, 100, TimeSpan.FromMinutes(1)), Is.EqualTo(1));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(30)));
        writing.GetAwaiter().GetResult();
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_batch_that_is_refused_while_the_one_after_it_is_taken_is_not_lost(bool isTracked)
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using RefusingProxy proxy = new(await TestKafka.Bootstrap(), partition.Topic);
        using KafkaLog log = new(new KafkaClients(new KafkaOptions { BootstrapServers = proxy.Bootstrap }, TimeProvider.System, NullLogger.Instance, isPlain: kind == LogKind.KafkaPlain));
        using ITransactionalProducer producer = log.CreateProducer($"id-{Guid.NewGuid():N}");
        _log.Ok(() => producer.Init(Call));
        LogResult result;
        while (!(result = Attempt()).IsOk)
        {
            Assert.That((result.Status, result.OutsideCause), Is.EqualTo((LogStatus.Abortable, true)), result.Reason);
            _log.Ok(() => producer.Abort(Call));
        }

        Assert.That(proxy.Requests, Is.GreaterThanOrEqualTo(2));
        using ILogConsumer consumer = Consumer();
        Delivered read = new();
        consumer.Add(partition, 0, 0);
        PollUntil(consumer, read, () => read.Values.Contains("second") && read.Ends.GetValueOrDefault(0) > read.Records[^1].Offset);
        Assert.That(read.Values, Is.EqualTo(new[] { "first", "second" }));
        Assert.That(producer.TrackedOffset(partition), Is.EqualTo(isTracked ? read.Records[0].Offset : null));

        LogResult Attempt()
        {
            _log.Ok(producer.Begin);
            _log.Ok(() => producer.Produce(partition, "k"u8, true, "first"u8, true, 1_700_000_000_000, trackOffset: isTracked));
            _log.Until(() => proxy.Requests > 0, "the first batch");
            _log.Ok(() => producer.Produce(partition, "k"u8, true, "second"u8, true, 1_700_000_000_001));
            return _log.Answer(() => producer.Commit(Call));
        }
    }

    [TestCase("its size", false)]
    [TestCase("its key", false)]
    [TestCase("its timestamp", true, Description = "a clock that is wrong is no record's fault")]
    public void A_record_that_the_broker_refuses_amid_others_is_told_from_other_causes_and_its_transaction_is_aborted_at_once(string cause, bool isOutside)
    {
        (string, string)[] limits = cause switch
        {
            "its size" => [("max.message.bytes", "20000")],
            "its key" => [("cleanup.policy", "compact")],
            _ => [("message.timestamp.before.max.ms", "1000000")],
        };
        TopicPartition refusing = new(_log.CreateTopic(1, limits), 0), partition = new(_log.CreateTopic(), 0);
        byte[] value = new byte[cause == "its size" ? 50_000 : 10], other = new byte[10_000];
        new Random(1).NextBytes(value);
        new Random(2).NextBytes(other);
        long timestamp = cause == "its timestamp" ? 1 : TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        using ITransactionalProducer producer = _log.Log.CreateProducer($"id-{Guid.NewGuid():N}");
        _log.Ok(() => producer.Init(Call));
        List<TimeSpan> aborts = [];
        for (int round = 0; round < 3; round++)
        {
            _log.Ok(producer.Begin);
            _log.Ok(() => producer.Produce(refusing, "k"u8, cause != "its key", value, true, timestamp));
            // Without a pause: much still waits in the client when the refusal comes.
            LogResult result;
            while ((result = _log.Answer(() => producer.Produce(partition, "k"u8, true, other, true, 1_700_000_000_000))).IsOk)
                ;
            Assert.That((result.Status, result.OutsideCause), Is.EqualTo((LogStatus.Abortable, isOutside)), result.Reason);
            Assert.That(result.Reason, Does.Contain("Broker: "), "what the broker said of the record");
            Stopwatch watch = Stopwatch.StartNew();
            _log.Ok(() => producer.Abort(Call));
            aborts.Add(watch.Elapsed);
        }

        // Any of them may have to wait for the broker; but what can no longer be sent is not waited for, for a second each.
        Assert.That(aborts.Min(), Is.LessThan(TimeSpan.FromMilliseconds(900)));
        _log.Ok(producer.Begin);
        _log.Ok(() => producer.Produce(partition, "k"u8, true, "next"u8, true, 1_700_000_000_000));
        _log.Ok(() => producer.Commit(Call));
        using ILogConsumer consumer = Consumer();
        Delivered read = new();
        consumer.Add(partition, 0, 0);
        PollUntil(consumer, read, () => read.Records.Count > 0);
        Assert.That(read.Values, Is.EqualTo(new[] { "next" }));
    }

    [Test]
    public void A_log_that_cannot_be_reached_is_reported_while_it_is_waited_for()
    {
        using KafkaLog log = new(new KafkaClients(new KafkaOptions { BootstrapServers = "127.0.0.1:1" }, TimeProvider.System, NullLogger.Instance, isPlain: kind == LogKind.KafkaPlain));
        using ILogConsumer consumer = log.CreateConsumer("nowhere", IsolationLevel.ReadCommitted);
        consumer.Add(new TopicPartition("any", 0), 2, 0);
        Faults faults = new();
        _log.Until(
            () =>
            {
                consumer.Poll(faults, 10, PollWait);
                return faults.Seen.Contains((2, LogFault.Unreachable));
            },
            "the report");
    }

    private ILogConsumer Consumer() => _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);

    private static IEnumerable<(string? Key, string? Value, long Timestamp)> Numbers(int count) =>
        Enumerable.Range(0, count).Select(i => ((string?)"k", (string?)$"{i}", 1_700_000_000_000L + i));

    private void Write(TopicPartition partition, IEnumerable<(string? Key, string? Value, long Timestamp)> records)
    {
        using ITransactionalProducer producer = _log.Log.CreateProducer($"id-{Guid.NewGuid():N}");
        _log.Ok(() => producer.Init(Call));
        _log.Ok(producer.Begin);
        foreach ((string? key, string? value, long timestamp) in records)
            _log.Ok(() => producer.Produce(partition, Encoding.UTF8.GetBytes(key ?? ""), key is not null, Encoding.UTF8.GetBytes(value ?? ""), value is not null, timestamp));
        _log.Ok(() => producer.Commit(Call));
    }

    private void PollUntil(ILogConsumer consumer, Delivered read, Func<bool> holds, int max = 1_000) => _log.Until(
        () =>
        {
            consumer.Poll(read, max, PollWait);
            return holds();
        },
        "what the test reads");

    private sealed class Throwing((int Slot, long Offset)[] at) : ILogReceiver
    {
        public Delivered Delivered { get; } = new();

        public void OnRecord(int slot, in LogRecord record)
        {
            if (at.Contains((slot, record.Offset)))
                throw new NotSupportedException();
            Delivered.OnRecord(slot, record);
        }

        public void OnEnd(int slot, long position, long highWatermark) => Delivered.OnEnd(slot, position, highWatermark);

        public void OnFault(int slot, LogFault fault, long offset, string detail) => Delivered.OnFault(slot, fault, offset, detail);
    }

    private sealed class Faults : ILogReceiver
    {
        public List<(int Slot, LogFault Fault)> Seen { get; } = [];

        public void OnRecord(int slot, in LogRecord record)
        {
        }

        public void OnEnd(int slot, long position, long highWatermark)
        {
        }

        public void OnFault(int slot, LogFault fault, long offset, string detail) => Seen.Add((slot, fault));
    }
}
