using System.Globalization;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.Stages.WalkIn;
using Presence.Core.State;
using Presence.Host.RocksDb;
using Presence.Tests.Definition;
using Presence.Tests.Stages;
using Presence.Tests.Telemetry;

namespace Presence.Tests.Runtime;

/// <summary>A record's whole way through a task over RocksDB: queue, clock, timers, stage, outputs, changelog, store.</summary>
[NonParallelizable]
internal sealed class TaskAllocationTests
{
    private const int CommitEvery = 2_000;

    // Takes everything and keeps nothing.
    private sealed class UnboundedProducer : ITransactionalProducer
    {
        public long Produced { get; private set; }

        public LogResult Init(TimeSpan timeout) => LogResult.Ok;

        public LogResult Begin() => LogResult.Ok;

        public LogResult Produce(TopicPartition partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers, bool trackOffset)
        {
            Produced++;
            return LogResult.Ok;
        }

        public LogResult SendOffsets(IReadOnlyList<GroupOffsets> groups, TimeSpan timeout) => LogResult.Ok;

        public LogResult Commit(TimeSpan timeout) => LogResult.Ok;

        public LogResult Abort(TimeSpan timeout) => LogResult.Ok;

        public long? TrackedOffset(TopicPartition partition) => Produced;

        public void Dispose()
        {
            // Nothing.
        }
    }

    private readonly UnboundedProducer _producer = new();
    private long _offset;

    [Test]
    public void A_record_allocates_nothing_from_the_queue_to_the_disk()
    {
        VenueOptions venue = new() { Business = "b", Venue = "v", TimeZone = "Europe/Prague" };
        StageDefinition definition = WalkInStageDefinition.Create(new TopicNames(), new WalkInOptions(), [venue]);
        List<Sighting> day = WalkInAllocationTests.Day(20_000);
        var days = Enumerable.Range(0, 4).Select(d => WalkInAllocationTests.Encode(day, d)).ToArray();
        string path = Directory.CreateTempSubdirectory("presence-allocation-").FullName;
        using (RocksDbResources resources = new(new RocksDbOptions()))
        {
            // Every commit reaches the disk: so does what is measured.
            RocksDbStateStore disk = new(path, resources, TimeProvider.System);
            TaskStore store = new(disk, definition.TimerOf, new LocalRecord(0, 0, "t"), new StoreBounds { WriteInterval = TimeSpan.Zero });
            MetaRecord meta = new(definition.Inputs.Count);
            for (int i = 0; i < definition.Inputs.Count; i++)
                meta.NextOffsets[i] = 0;
            TaskTopics topics = new(new TopicPartition("changelog", 0), [.. definition.Outputs.Select(_ => 1)], "dead-letter", 1);
            using StreamTask task = new(new TaskId(definition.Name, 0), definition, store, meta, topics, BadInputPolicy.DeadLetter, new RuntimeMetrics(new UnheardMeters()));
            for (int d = 0; d < 3; d++)
                Deliver(task, days[d]);
            long produced = _producer.Produced;
            long allocated = Allocated.By(() => Deliver(task, days[3]));

            TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{allocated} B for {days[3].Length} records, {days[3].Length / CommitEvery} commits and {_producer.Produced - produced} records produced"));
            Assert.That(_producer.Produced - produced, Is.GreaterThan(200), "records produced while it was measured");
            Assert.That(allocated, Is.Zero);
        }

        Directory.Delete(path, recursive: true);
    }

    private void Deliver(StreamTask task, (byte[] Key, byte[] Value, bool IsLogin, long At)[] records)
    {
        for (int i = 0; i < records.Length; i++)
        {
            ref var r = ref records[i];
            for (int input = 0; input < task.Inputs.Length; input++)
            {
                if (input == (r.IsLogin ? 1 : 0))
                    task.Inputs[input].OnRecord(new LogRecord { Offset = _offset, Timestamp = r.At, Key = r.Key, HasKey = true, Value = r.Value, HasValue = true });
                task.Inputs[input].OnEnd(_offset + 1);
            }

            _offset++;
            if ((i & 127) == 127 && task.Feed(int.MaxValue, EventTime.Max, _producer).Outcome != FeedOutcome.Idle)
                Assert.Fail($"{task.StopReason ?? task.WaitReason}");
            if ((i + 1) % CommitEvery != 0)
                continue;
            task.ProduceChangelog(_producer, EventTime.Max);
            task.Apply(_producer.Produced, EventTime.Max);
        }
    }
}
