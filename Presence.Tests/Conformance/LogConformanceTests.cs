using System.Diagnostics;
using System.Text;
using Presence.Core.Log;

namespace Presence.Tests.Conformance;

/// <summary>What the runtime relies on, of every log: the same tests against each.</summary>
[TestFixture(LogKind.Simulated)]
[TestFixture(LogKind.Embedded)]
[TestFixture(LogKind.Kafka)]
[TestFixture(LogKind.KafkaPlain)]
[TestFixture(LogKind.KafkaThreeBrokers)]
[Category("Conformance")]
[NonParallelizable]
internal sealed class LogConformanceTests(LogKind kind)
{
    private static readonly TimeSpan Call = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PollWait = TimeSpan.FromMilliseconds(20);
    private LogUnderTest _log = null!;

    [OneTimeSetUp]
    public async Task Open() => _log = await LogUnderTest.Open(kind);

    [OneTimeTearDown]
    public void Close()
    {
        _log?.Dispose();
        LogUnderTest.StopThree();
    }

    [Test]
    public void A_record_comes_back_as_it_was_written()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () =>
        {
            Produce(producer, partition, "k", "v", timestamp: 1_700_000_000_123);
            Produce(producer, partition, "k", null);
            Produce(producer, partition, "", "");
        });
        Delivered read = ReadAll(partition);
        Assert.That(read.Records.Select(r => (r.Key, r.Value)), Is.EqualTo(new (string?, string?)[] { ("k", "v"), ("k", null), ("", "") }));
        Assert.That(read.Records[0].Timestamp, Is.EqualTo(1_700_000_000_123));
    }

    [Test]
    public void A_transaction_is_read_when_it_is_committed_and_not_before()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        _log.Ok(producer.Begin);
        Produce(producer, partition, "k", "v");
        Settle(partition);
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Delivered read = new();
        consumer.Add(partition, 0, 0);
        Poll(consumer, read, TimeSpan.FromMilliseconds(300));
        Assert.That(read.Records, Is.Empty);
        _log.Ok(() => producer.Commit(Call));
        PollUntil(consumer, read, () => read.Records.Count > 0, "the record");
        Assert.That(read.Values, Is.EqualTo(new[] { "v" }));
    }

    [Test]
    public void An_aborted_transaction_is_never_read()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        _log.Ok(producer.Begin);
        Produce(producer, partition, "k", "aborted");
        Settle(partition);
        _log.Ok(() => producer.Abort(Call));
        Transaction(producer, () => Produce(producer, partition, "k", "committed"));
        Assert.That(ReadAll(partition).Values, Is.EqualTo(new[] { "committed" }));
    }

    [Test]
    public void A_transaction_that_has_hardly_begun_is_aborted_while_the_one_before_it_still_ends()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        for (int i = 0; i < 30; i++)
        {
            Transaction(producer, () => Produce(producer, partition, "k", "committed"));
            _log.Ok(producer.Begin);
            Produce(producer, partition, "k", "aborted");
            _log.Ok(() => producer.Abort(Call));
        }

        Assert.That(ReadAll(partition).Values, Is.EqualTo(Enumerable.Repeat("committed", 30)));
    }

    [Test]
    public void What_lies_behind_an_open_transaction_waits_for_it()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer open = Producer(), other = Producer();
        _log.Ok(open.Begin);
        Produce(open, partition, "k", "first");
        Settle(partition);
        Transaction(other, () => Produce(other, partition, "k", "second"));
        _log.Until(() => End(partition, IsolationLevel.ReadUncommitted) == 3, "two records and a marker");
        Assert.That(End(partition, IsolationLevel.ReadCommitted), Is.Zero);
        _log.Ok(() => open.Commit(Call));
        _log.Until(() => End(partition, IsolationLevel.ReadCommitted) == 4, "the commit is stable");
        Assert.That(ReadAll(partition).Values, Is.EqualTo(new[] { "first", "second" }));
    }

    [Test]
    public void The_end_reported_is_past_the_markers()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () => Produce(producer, partition, "k", "v"));
        _log.Until(() => End(partition, IsolationLevel.ReadCommitted) == 2, "the commit is stable");
        _log.Ok(producer.Begin);
        Produce(producer, partition, "k", "aborted");
        Settle(partition);
        _log.Ok(() => producer.Abort(Call));
        _log.Until(() => End(partition, IsolationLevel.ReadCommitted) == End(partition, IsolationLevel.ReadUncommitted), "nothing is open");
        Delivered read = ReadAll(partition);
        Assert.That(read.Ends[0], Is.EqualTo(End(partition, IsolationLevel.ReadUncommitted)));
    }

    [Test]
    public void A_tracked_offset_is_where_the_record_lies()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        for (int i = 0; i < 3; i++)
        {
            int number = i;
            Transaction(producer, () =>
            {
                Produce(producer, partition, "k", "other");
                Produce(producer, partition, "k", $"tracked-{number}", track: true);
            });
            long tracked = producer.TrackedOffset(partition)!.Value;
            Assert.That(ReadAll(partition).Records.Find(r => r.Offset == tracked).Value, Is.EqualTo($"tracked-{number}"));
        }

        Transaction(producer, () => Produce(producer, partition, "k", "other"));
        Assert.That(producer.TrackedOffset(partition), Is.Null);
    }

    [Test]
    public void Who_takes_an_id_ends_its_earlier_user_and_aborts_what_that_one_left_open()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        string id = $"id-{Guid.NewGuid():N}";
        using ITransactionalProducer zombie = Producer(id);
        _log.Ok(zombie.Begin);
        Produce(zombie, partition, "k", "zombie");
        Settle(partition);
        using ITransactionalProducer heir = Producer(id);
        LogResult late = _log.Answer(() => zombie.Commit(Call));
        Assert.That(late.Status, Is.EqualTo(LogStatus.Fatal));
        Assert.That(late.IsFenced, Is.True, late.Reason);
        Transaction(heir, () => Produce(heir, partition, "k", "heir"));
        _log.Until(() => End(partition, IsolationLevel.ReadCommitted) == End(partition, IsolationLevel.ReadUncommitted), "nothing is open");
        Assert.That(ReadAll(partition).Values, Is.EqualTo(new[] { "heir" }));
    }

    [Test]
    public void Positions_are_committed_with_their_transaction_and_only_then()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        string group = $"group-{Guid.NewGuid():N}";
        using ITransactionalProducer producer = Producer();
        Assert.That(_log.Await(_log.Log.Admin.CommittedOffsets(group, [partition], CancellationToken.None)), Is.Empty);
        _log.Ok(producer.Begin);
        Produce(producer, partition, "k", "v");
        _log.Ok(() => producer.SendOffsets([new GroupOffsets(group, [(partition, 7)])], Call));
        _log.Ok(() => producer.Abort(Call));
        Assert.That(_log.Await(_log.Log.Admin.CommittedOffsets(group, [partition], CancellationToken.None)), Is.Empty);
        _log.Ok(producer.Begin);
        string other = $"group-{Guid.NewGuid():N}";
        _log.Ok(() => producer.SendOffsets([new GroupOffsets(group, [(partition, 8)]), new GroupOffsets(other, [(partition, 9)])], Call));
        _log.Ok(() => producer.Commit(Call));
        Assert.That(_log.Await(_log.Log.Admin.CommittedOffsets(group, [partition], CancellationToken.None))[partition], Is.EqualTo(8));
        Assert.That(_log.Await(_log.Log.Admin.CommittedOffsets(other, [partition], CancellationToken.None))[partition], Is.EqualTo(9));
    }

    [Test]
    public void A_position_that_is_not_decided_is_waited_for()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        string group = $"group-{Guid.NewGuid():N}";
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () => _log.Ok(() => producer.SendOffsets([new GroupOffsets(group, [(partition, 1)])], Call)));
        _log.Ok(producer.Begin);
        Produce(producer, partition, "k", "v");
        _log.Ok(() => producer.SendOffsets([new GroupOffsets(group, [(partition, 2)])], Call));
        Task<IReadOnlyDictionary<TopicPartition, long>> asked = _log.Log.Admin.CommittedOffsets(group, [partition], CancellationToken.None);
        _log.Pass(TimeSpan.FromMilliseconds(500));
        Assert.That(asked.IsCompletedSuccessfully, Is.False);
        _log.Ok(() => producer.Commit(Call));
        Assert.That(_log.Await(asked)[partition], Is.EqualTo(2));
    }

    [Test]
    public void Positions_are_taken_while_members_of_the_group_come_and_go()
    {
        string control = _log.CreateTopic();
        TopicPartition partition = new(_log.CreateTopic(), 0);
        string group = $"group-{Guid.NewGuid():N}";
        using ITransactionalProducer producer = Producer();
        using IGroupMembership first = _log.Log.CreateMembership(group, "a", control);
        long offset = 0;
        void Commit()
        {
            offset++;
            Transaction(producer, () => _log.Ok(() => producer.SendOffsets([new GroupOffsets(group, [(partition, offset)])], Call)));
        }

        Commit();
        _log.Until(() => first.RunOnce(PollWait) == MembershipState.Leader, "a member leads");
        Commit();
        first.Leave();
        Commit();
        Assert.That(_log.Await(_log.Log.Admin.CommittedOffsets(group, [partition], CancellationToken.None))[partition], Is.EqualTo(3));
    }

    [Test]
    public void One_member_leads_and_who_takes_its_instance_id_takes_its_place()
    {
        string control = _log.CreateTopic();
        string group = $"group-{Guid.NewGuid():N}";
        using IGroupMembership first = _log.Log.CreateMembership(group, "a", control);
        _log.Until(() => first.RunOnce(PollWait) == MembershipState.Leader, "a member leads");
        using IGroupMembership again = _log.Log.CreateMembership(group, "a", control);
        MembershipState old = default;
        _log.Until(() => (old = first.RunOnce(PollWait)) == MembershipState.Fenced | again.RunOnce(PollWait) == MembershipState.Leader && old == MembershipState.Fenced, "the newer one leads, the older one is out");
        Assert.That(first.Reason, Is.Not.Null);
    }

    [Test]
    public void An_empty_transaction_can_be_committed_and_aborted()
    {
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () => { });
        _log.Ok(producer.Begin);
        _log.Ok(() => producer.Abort(Call));
        Transaction(producer, () => { });
    }

    [Test]
    public void A_record_that_is_too_large_is_refused_and_the_transaction_goes_on()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () =>
        {
            byte[] large = new byte[40_000_000];
            // The embedded log has no bound.
            Assert.That(producer.Produce(partition, "k"u8, true, large, true, 1).Status, Is.EqualTo(kind == LogKind.Embedded ? LogStatus.Ok : LogStatus.RecordRejected));
            Produce(producer, partition, "k", "v");
        });
        Assert.That(ReadAll(partition).Values.Last(), Is.EqualTo("v"));
    }

    [Test]
    public void A_topic_that_is_deleted_and_made_again_has_another_identity()
    {
        string topic = _log.CreateTopic(2);
        string Id() => _log.Await(_log.Log.Admin.DescribeTopics([topic], CancellationToken.None))[topic].Id;
        string before = Id();
        _log.CreateTopic(topic, 2);
        Assert.That(Id(), Is.EqualTo(before), "one that exists is left as it is");
        _log.DeleteTopic(topic);
        _log.CreateTopic(topic, 2);
        Assert.That(Id(), Is.Not.EqualTo(before));
        Assert.That(End(new TopicPartition(topic, 1), IsolationLevel.ReadUncommitted), Is.Zero);
    }

    [Test]
    public void A_position_beyond_the_end_is_a_fault_and_no_reset()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Delivered read = new();
        consumer.Add(partition, 3, 99);
        PollUntil(consumer, read, () => read.Faults.Count > 0, "a fault");
        Assert.That(read.Faults[0].Slot, Is.EqualTo(3));
        Assert.That(read.Faults[0].Fault, Is.EqualTo(LogFault.OffsetBeyondEnd));
        Assert.That(read.Records, Is.Empty);
    }

    // What a client hands over lies in its memory.
    [Test]
    public void A_consumer_is_not_disposed_of_by_what_it_delivers()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () => Produce(producer, partition, "k", "v"));
        ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        consumer.Add(partition, 0, 0);
        Delivered read = new();
        Disposing receiver = new(consumer, read);
        PollUntil(consumer, receiver, () => read.Records.Count > 0, "the record");
        Assert.That(receiver.Refused, Is.TypeOf<InvalidOperationException>());
        consumer.Dispose();
        Assert.That(consumer.Dispose, Throws.Nothing, "twice");
    }

    private sealed class Disposing(ILogConsumer consumer, Delivered read) : ILogReceiver
    {
        public Exception? Refused { get; private set; }

        public void OnRecord(int slot, in LogRecord record)
        {
            try
            {
                consumer.Dispose();
            }
            catch (InvalidOperationException e)
            {
                Refused = e;
            }

            ((ILogReceiver)read).OnRecord(slot, record);
        }

        public void OnEnd(int slot, long position, long highWatermark)
        {
        }

        public void OnFault(int slot, LogFault fault, long offset, string detail) => ((ILogReceiver)read).OnFault(slot, fault, offset, detail);
    }

    [Test]
    public void A_partition_can_be_removed_added_again_and_moved()
    {
        TopicPartition a = new(_log.CreateTopic(), 0), b = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        void Write(string value) => Transaction(producer, () =>
        {
            Produce(producer, a, "k", $"a{value}");
            Produce(producer, b, "k", $"b{value}");
        });
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Delivered read = new();
        consumer.Add(a, 0, 0);
        consumer.Add(b, 1, 0);
        Write("1");
        PollUntil(consumer, read, () => read.Records.Count == 2, "both records");
        consumer.Remove(a);
        Write("2");
        PollUntil(consumer, read, () => read.Values.Contains("b2"), "the record of the other one");
        Poll(consumer, read, TimeSpan.FromMilliseconds(200));
        Assert.That(read.Values, Has.None.EqualTo("a2"));
        read.Records.Clear();
        consumer.Add(a, 0, 1);
        PollUntil(consumer, read, () => read.Records.Count > 0, "the record that was left");
        Assert.That(read.Values, Is.EqualTo(new[] { "a2" }));
        read.Records.Clear();
        consumer.Add(a, 0, 0);
        PollUntil(consumer, read, () => read.Records.Count >= 2, "both records again");
        Assert.That(read.Values, Is.EqualTo(new[] { "a1", "a2" }));
        consumer.Remove(b);
        Write("3");
        PollUntil(consumer, read, () => read.Values.Contains("a3"), "the third");
        Poll(consumer, read, TimeSpan.FromMilliseconds(200));
        Assert.That(read.Values, Has.None.EqualTo("b3"));
    }

    [Test]
    public void Who_asks_for_it_reads_what_is_open_and_what_was_aborted()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using ITransactionalProducer producer = Producer();
        _log.Ok(producer.Begin);
        Produce(producer, partition, "k", "first");
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadUncommitted);
        Delivered read = new();
        consumer.Add(partition, 0, 0);
        // What is not committed never reaches the embedded log's disk.
        if (kind != LogKind.Embedded)
            PollUntil(consumer, read, () => read.Values.Contains("first"), "a record that is not committed");
        _log.Ok(() => producer.Abort(Call));
        Transaction(producer, () => Produce(producer, partition, "k", "second"));
        PollUntil(consumer, read, () => read.Values.Contains("second"), "the next one");
        Assert.That(read.Values, Is.EqualTo(kind == LogKind.Embedded ? ["second"] : new[] { "first", "second" }));
    }

    [Test]
    public void Compaction_leaves_the_last_record_of_a_key_and_moves_no_offset()
    {
        TopicPartition partition = new(
            _log.CreateTopic(1, ("cleanup.policy", "compact"), ("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0.01"), ("delete.retention.ms", "0"), ("min.compaction.lag.ms", "0")), 0);
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () =>
        {
            Produce(producer, partition, "a", "1");
            Produce(producer, partition, "a", "2");
            Produce(producer, partition, "b", "3");
            Produce(producer, partition, "b", null);
        });
        // Logs compact when there is something to be gained.
        void Fill(int records) => Transaction(producer, () =>
        {
            for (int i = 0; i < records; i++)
                Produce(producer, partition, "filler", "filler");
        });
        Fill(10_000);
        Delivered read = new();
        _log.Until(
            () =>
            {
                Fill(100);
                _log.Compact(partition);
                _log.Pass(TimeSpan.FromMilliseconds(500));
                read = ReadAll(partition);
                return read.Records[0].Offset == 1 && !read.Records.Exists(r => r.Key == "b");
            },
            "compaction");
        Assert.That(read.Records[0].Value, Is.EqualTo("2"));
        Assert.That(read.Records[^1].Key, Is.EqualTo("filler"));
        Assert.That(_log.Await(_log.Log.Admin.StartOffsets([partition], CancellationToken.None))[partition], Is.Zero);
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Delivered fromGap = new();
        consumer.Add(partition, 0, 2);
        PollUntil(consumer, fromGap, () => fromGap.Ends.ContainsKey(0), "the end");
        Assert.That(fromGap.Faults, Is.Empty);
        Assert.That(fromGap.Records[0].Key, Is.EqualTo("filler"));
    }

    [Test]
    public void A_position_that_retention_has_passed_is_a_fault_and_no_reset()
    {
        TopicPartition partition = new(_log.CreateTopic(1, ("retention.ms", "1000")), 0);
        using ITransactionalProducer producer = Producer();
        Transaction(producer, () => Produce(producer, partition, "k", "gone"));
        _log.Until(() => End(partition, IsolationLevel.ReadCommitted) == 2, "the commit is stable");
        _log.Truncate(partition);
        long start = 0;
        _log.Until(() => (start = _log.Await(_log.Log.Admin.StartOffsets([partition], CancellationToken.None))[partition]) > 0, "the start has moved");
        Transaction(producer, () => Produce(producer, partition, "k", "new", timestamp: TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()));
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Delivered read = new();
        consumer.Add(partition, 0, 0);
        PollUntil(consumer, read, () => read.Faults.Count > 0, "a fault");
        Assert.That(read.Faults[0].Fault, Is.EqualTo(LogFault.OffsetBelowStart));
        Assert.That(read.Records, Is.Empty);
        consumer.Add(partition, 0, start);
        PollUntil(consumer, read, () => read.Records.Count > 0, "what is left");
        Assert.That(read.Values, Is.EqualTo(new[] { "new" }));
    }

    [Test]
    public void One_of_two_members_leads_and_the_other_one_when_it_has_gone()
    {
        string control = _log.CreateTopic();
        string group = $"group-{Guid.NewGuid():N}";
        using IGroupMembership first = _log.Log.CreateMembership(group, "a", control);
        _log.Until(() => first.RunOnce(PollWait) == MembershipState.Leader, "a member leads");
        using IGroupMembership second = _log.Log.CreateMembership(group, "b", control);
        MembershipState a = default, b = default;
        void Step() => (a, b) = (first.RunOnce(PollWait), second.RunOnce(PollWait));
        bool OneLeads()
        {
            Step();
            return (a, b) is (MembershipState.Leader, MembershipState.Follower) or (MembershipState.Follower, MembershipState.Leader);
        }

        _log.Until(OneLeads, "one leads and one follows");
        IGroupMembership leader = a == MembershipState.Leader ? first : second;
        IGroupMembership follower = leader == first ? second : first;
        leader.Leave();
        _log.Until(() => follower.RunOnce(PollWait) == MembershipState.Leader, "the other one leads");
    }

    [Test]
    public void A_topic_that_was_prepared_is_read_when_it_is_added_and_not_before()
    {
        string topic = _log.CreateTopic(2);
        TopicPartition first = new(topic, 0), second = new(topic, 1);
        using ITransactionalProducer producer = Producer();
        void Write(string value) => Transaction(producer, () =>
        {
            Produce(producer, first, "k", $"first-{value}");
            Produce(producer, second, "k", $"second-{value}");
        });
        Write("1");
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Delivered read = new();
        consumer.Prepare(topic);
        Poll(consumer, read, TimeSpan.FromMilliseconds(300));
        Write("2");
        Poll(consumer, read, TimeSpan.FromMilliseconds(300));
        Assert.That(read.Records, Is.Empty);
        consumer.Add(first, 0, 0);
        consumer.Add(second, 1, 0);
        PollUntil(consumer, read, () => read.Records.Count == 4, "all records");
        Write("3");
        PollUntil(consumer, read, () => read.Records.Count == 6, "the new ones");
    }

    [Test]
    public void A_topic_that_is_added_while_it_is_being_prepared_is_read_whole()
    {
        TopicPartition partition = new(_log.CreateTopic(), 0);
        using IRecordWriter writer = _log.Log.CreateWriter();
        List<string?> written = [];
        List<(ILogConsumer Consumer, Delivered Read)> all = [];
        void Step()
        {
            written.Add($"v{written.Count}");
            _log.Await(writer.Append([new ProducedRecord(partition.Topic, "k"u8.ToArray(), Encoding.UTF8.GetBytes(written[^1]!), 1_700_000_000_000)], CancellationToken.None));
            foreach ((ILogConsumer consumer, Delivered read) in all)
                consumer.Poll(read, 1_000, TimeSpan.Zero);
        }

        try
        {
            // Some of them in the moment in which a client asks for what it has put off for half a second.
            Step();
            List<Stopwatch> prepared = [];
            for (int i = 0; i < 60; i++)
                all.Add((_log.Log.CreateConsumer($"reader-{i}", IsolationLevel.ReadCommitted), new Delivered()));
            foreach ((ILogConsumer consumer, _) in all)
            {
                consumer.Prepare(partition.Topic);
                prepared.Add(Stopwatch.StartNew());
                _log.Pass(TimeSpan.FromMilliseconds(4));
            }

            for (int i = 0; i < all.Count; i++)
            {
                TimeSpan left = TimeSpan.FromMilliseconds(480 + i) - prepared[i].Elapsed;
                if (left > TimeSpan.Zero)
                    _log.Pass(left);
                all[i].Consumer.Add(partition, 0, 0);
            }

            for (int i = 0; i < 60; i++)
            {
                Step();
                _log.Pass(PollWait);
            }

            long end = End(partition, IsolationLevel.ReadCommitted);
            foreach ((ILogConsumer consumer, Delivered read) in all)
                PollUntil(consumer, read, () => read.Ends.GetValueOrDefault(0) >= end, "the end");
            Assert.That(all.Select(r => r.Read.Values), Has.All.EqualTo(written));
        }
        finally
        {
            foreach ((ILogConsumer consumer, _) in all)
                consumer.Dispose();
        }
    }

    [Test]
    public void What_comes_from_outside_is_read_like_everything_else()
    {
        string topic = _log.CreateTopic(3);
        using IRecordWriter writer = _log.Log.CreateWriter();
        ProducedRecord[] records = [.. Enumerable.Range(0, 50).Select(i => new ProducedRecord(topic, Encoding.UTF8.GetBytes($"k{i}"), Encoding.UTF8.GetBytes($"v{i}"), 1_700_000_000_000 + i))];
        _log.Await(writer.Append(records, CancellationToken.None));
        foreach (int partition in Enumerable.Range(0, 3))
        {
            Assert.That(
                ReadAll(new TopicPartition(topic, partition)).Values,
                Is.EqualTo(records.Where(r => Partitioner.Of(r.Key, 3) == partition).Select(r => Encoding.UTF8.GetString(r.Value!))));
        }
    }

    private ITransactionalProducer Producer(string? id = null)
    {
        ITransactionalProducer producer = _log.Log.CreateProducer(id ?? $"id-{Guid.NewGuid():N}");
        _log.Ok(() => producer.Init(Call));
        return producer;
    }

    private void Transaction(ITransactionalProducer producer, Action content)
    {
        _log.Ok(producer.Begin);
        content();
        _log.Ok(() => producer.Commit(Call));
    }

    private void Produce(ITransactionalProducer producer, TopicPartition partition, string key, string? value, long timestamp = 1_700_000_000_000, bool track = false) =>
        _log.Ok(() => producer.Produce(partition, Encoding.UTF8.GetBytes(key), true, value is null ? default : Encoding.UTF8.GetBytes(value), value is not null, timestamp, trackOffset: track));

    // What was produced has reached the log; nothing else may be open in it.
    private void Settle(TopicPartition partition)
    {
        long end = End(partition, IsolationLevel.ReadCommitted);
        _log.Until(() => End(partition, IsolationLevel.ReadUncommitted) > end, "the records of the open transaction");
    }

    private long End(TopicPartition partition, IsolationLevel isolation) =>
        _log.Await(_log.Log.Admin.EndOffsets([partition], isolation, CancellationToken.None))[partition];

    private Delivered ReadAll(TopicPartition partition)
    {
        long end = 0;
        _log.Until(() => (end = End(partition, IsolationLevel.ReadCommitted)) == End(partition, IsolationLevel.ReadUncommitted), "nothing is open");
        using ILogConsumer consumer = _log.Log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Delivered read = new();
        consumer.Add(partition, 0, 0);
        PollUntil(consumer, read, () => read.Ends.GetValueOrDefault(0, -1) >= end, "the end");
        return read;
    }

    private void PollUntil(ILogConsumer consumer, ILogReceiver read, Func<bool> holds, string what) => _log.Until(
        () =>
        {
            consumer.Poll(read, 1_000, PollWait);
            return holds();
        },
        what);

    private void Poll(ILogConsumer consumer, Delivered read, TimeSpan span)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < span; passed += PollWait)
        {
            consumer.Poll(read, 1_000, PollWait);
            _log.Pass(PollWait);
        }
    }
}
