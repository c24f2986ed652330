using System.Text;
using System.Text.Json.Nodes;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.State;
using Presence.Tests.Telemetry;

namespace Presence.Tests.Stages;

/// <summary>
/// Drives one real task over a store in memory and a recording producer: records in, committed outputs out, with
/// aborts and crashes wherever a test wants them.
/// </summary>
internal sealed class StageDriver
{
    private readonly StageDefinition _definition;
    private readonly List<(byte[] Key, byte[]? Value, long Timestamp)>[] _inputs;
    private readonly RecordingProducer _producer = new();
    private readonly BadInputPolicy _policy;
    private readonly StoreBounds _bounds;
    private StreamTask _task;

    /// <summary>Without <paramref name="bounds"/> every commit reaches the disk at once.</summary>
    public StageDriver(StageDefinition definition, BadInputPolicy policy = BadInputPolicy.DeadLetter, StoreBounds? bounds = null)
    {
        _bounds = bounds ?? new StoreBounds { WriteInterval = TimeSpan.Zero };
        _definition = definition;
        _policy = policy;
        _inputs = [.. definition.Inputs.Select(_ => new List<(byte[], byte[]?, long)>())];
        _task = Open(new MetaRecord(definition.Inputs.Count));
        for (int i = 0; i < _inputs.Length; i++)
            _task.Inputs[i].Rewind(0);
    }

    public MemoryStore Store { get; private set; } = new();

    public StreamTask Task => _task;

    /// <summary>Wall clock, ms; later than all event times unless a test sets it.</summary>
    public long WallClock { get; set; } = 4_000_000_000_000;

    /// <summary>What the client says to every record; null: it takes it.</summary>
    public LogStatus? Refuse { set => _producer.Refuse = value; }

    /// <summary>State entries, without timers, meta and local records.</summary>
    public int StateCount => Store.Entries.Keys.Count(k => k[0] == StoreKeys.StatePrefix);

    /// <summary>Keeps a record for delivery.</summary>
    public void Write(int input, string key, string? value, long timestamp = 1_700_000_000_000) =>
        _inputs[input].Add((Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value), timestamp));

    /// <summary>Delivers everything written and not yet processed; processes it, without a commit.</summary>
    public FeedResult Process(int budget = int.MaxValue)
    {
        Deliver();
        return _task.Feed(budget, WallClock, _producer);
    }

    /// <summary>The same while the transaction before is on its way.</summary>
    public FeedResult ProcessAhead()
    {
        Deliver();
        return _task.Feed(int.MaxValue, WallClock, producer: null);
    }

    /// <summary>Commits what was processed.</summary>
    public void Commit()
    {
        Seal();
        Finish();
    }

    /// <summary>Sends the transaction on its way.</summary>
    public void Seal() => _task.ProduceChangelog(_producer, WallClock);

    /// <summary>The transaction on its way is committed.</summary>
    public void Finish()
    {
        _producer.Commit(TimeSpan.Zero);
        _task.Apply(_producer.TrackedOffset(_task.Changelog)!.Value, WallClock);
    }

    /// <summary>Processes and commits.</summary>
    public void Run()
    {
        FeedResult result = Process();
        Assert.That(result.Outcome, Is.EqualTo(FeedOutcome.Idle), result.Reason);
        Commit();
    }

    /// <summary>The transaction fails: everything since the last commit is taken back and will be delivered anew.</summary>
    public void Abort()
    {
        _producer.Abort(TimeSpan.Zero);
        _task.Rewind();
    }

    /// <summary>The process dies and starts again, over its disk or, with <paramref name="loseDisk"/>, over its changelog.</summary>
    public void Crash(bool loseDisk)
    {
        _producer.Abort(TimeSpan.Zero);
        if (loseDisk)
            Store = new MemoryStore();
        byte[] buffer = [];
        int localLength = Store.TryGet(StoreKeys.Local, ref buffer);
        LocalRecord local = localLength < 0 ? new LocalRecord(0, 0, "t") : LocalRecord.Read(buffer.AsSpan(0, localLength));
        StoreRestore restore = new(Store, _definition, local, new StoreBounds());
        for (int i = (int)local.ChangelogOffset; i < _producer.Committed.Count; i++)
        {
            RecordingProducer.Sent sent = _producer.Committed[i];
            if (sent.Partition == _task.Changelog)
                restore.Apply(i, sent.Key, sent.Value, sent.Value is not null);
        }

        restore.Complete(_producer.Committed.Count, WallClock);
        MetaRecord meta = new(_inputs.Length);
        int length = Store.TryGet(StoreKeys.Meta, ref buffer);
        if (length >= 0)
            meta.Read(buffer.AsSpan(0, length));
        for (int i = 0; i < _inputs.Length; i++)
            meta.NextOffsets[i] = Math.Max(0, meta.NextOffsets[i]);
        _task = Open(meta);
    }

    /// <summary>The log says at wall clock <paramref name="now"/> that there is nothing more; idle clocks run on.</summary>
    public void ConfirmIdle(long now)
    {
        WallClock = now;
        Deliver();
        for (int i = 0; i < _inputs.Length; i++)
            _task.Inputs[i].SetKnownEnd(_inputs[i].Count, now);
    }

    /// <summary>Committed values of an output, in order; null for tombstones.</summary>
    public IReadOnlyList<JsonNode?> Output(int output) =>
        [.. _producer.Committed.Where(s => s.Partition.Topic == _definition.Outputs[output]).Select(s => s.Value is null ? null : JsonNode.Parse(s.Value))];

    /// <summary>Committed records of any topic.</summary>
    public IReadOnlyList<RecordingProducer.Sent> Sent(string topic) => [.. _producer.Committed.Where(s => s.Partition.Topic == topic)];

    private StreamTask Open(MetaRecord meta)
    {
        int[] partitions = [.. _definition.Outputs.Select(_ => 1)];
        TaskTopics topics = new(new TopicPartition("changelog", 0), partitions, "dead-letter", 1);
        TaskStore store = new(Store, _definition.TimerOf, new LocalRecord(_producer.Committed.Count, 0, "t"), _bounds);
        return new StreamTask(new TaskId(_definition.Name, 0), _definition, store, meta, topics, _policy, new RuntimeMetrics(new UnheardMeters()));
    }

    private void Deliver()
    {
        for (int i = 0; i < _inputs.Length; i++)
        {
            TaskInput input = _task.Inputs[i];
            for (long offset = Math.Max(0, input.FetchPosition); offset < _inputs[i].Count; offset++)
            {
                (byte[] key, byte[]? value, long timestamp) = _inputs[i][(int)offset];
                input.OnRecord(new LogRecord { Offset = offset, Timestamp = timestamp, Key = key, HasKey = true, Value = value, HasValue = value is not null });
            }

            input.OnEnd(_inputs[i].Count);
        }
    }
}
