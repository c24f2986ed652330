namespace Presence.Core.Log.Simulated;

/// <summary>A transactional producer: records wait for a moment, go out in batches, and are there for good with the commit.</summary>
internal sealed class SimulatedProducer(SimulatedLog log, string transactionalId) : ITransactionalProducer
{
    private sealed class Batch
    {
        public List<(byte[]? Key, byte[]? Value, long Timestamp, RecordHeader[] Headers)> Records { get; } = [];

        public int Tracked { get; set; } = -1;

        public bool IsDue { get; set; }

        public long FirstOffset { get; set; } = -1;

        public SimulatedCall? Call { get; set; }
    }

    private readonly SimulatedWorld _world = log.Cluster.World;
    private readonly Dictionary<TopicPartition, Queue<Batch>> _queues = [];
    private readonly Dictionary<TopicPartition, long> _tracked = [];
    private ProducerIdAndEpoch _identity = ProducerIdAndEpoch.None;
    private bool _disposed;
    private bool _touched;
    private int _groupsSent;
    private LogResult? _fatal;
    private LogResult? _failed;
    private SimulatedCall? _init;
    private SimulatedCall? _offsets;
    private SimulatedCall? _end;

    // librdkafka asks for its id again after half a second only.
    private static readonly TimeSpan InitAgain = TimeSpan.FromMilliseconds(500);

    private static readonly LogResult Wait = new(LogStatus.TimedOut, "no answer yet", OutsideCause: true);

    public LogResult Init(TimeSpan timeout) => Call("init", () =>
    {
        _init ??= Send(transactionalId, () => log.Cluster.InitProducer(transactionalId, this, out _identity), later: InitAgain);
        return Answer(ref _init);
    });

    public LogResult Begin() => Call("begin", () =>
    {
        _tracked.Clear();
        _touched = false;
        _groupsSent = 0;
        return _fatal ?? LogResult.Ok;
    });

    public LogResult Produce(TopicPartition partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers, bool trackOffset)
    {
        log.OnCall?.Invoke("before produce");
        if ((_fatal ?? _failed) is { } failed)
            return failed;
        if (_world.Faults.Strikes(SimulatedFault.QueueFull, 0.1))
            return new LogResult(LogStatus.QueueFull, "the queue is full");
        if (key.Length + value.Length > log.Cluster.Options.RecordBytesMax)
            return new LogResult(LogStatus.RecordRejected, $"the record has {key.Length + value.Length} bytes, more than {log.Cluster.Options.RecordBytesMax}");
        if (!_queues.TryGetValue(partition, out Queue<Batch>? queue))
            _queues.Add(partition, queue = []);
        Batch? batch = queue.Count > 0 && queue.Last() is { Call: null } last ? last : null;
        if (batch is null)
        {
            queue.Enqueue(batch = new Batch());
            Batch made = batch;
            _world.After(_world.Span(0.5, 10), () =>
            {
                made.IsDue = true;
                Pump(partition, queue);
            });
        }

        if (trackOffset)
            batch.Tracked = batch.Records.Count;
        batch.Records.Add((hasKey ? key.ToArray() : null, hasValue ? value.ToArray() : null, timestamp, headers.ToArray()));
        return LogResult.Ok;
    }

    public LogResult SendOffsets(IReadOnlyList<GroupOffsets> groups, TimeSpan timeout) => Call("send offsets", () =>
    {
        if ((_fatal ?? _failed) is { } failed)
            return failed;
        for (; _groupsSent < groups.Count; _groupsSent++)
        {
            if (_offsets is null)
            {
                string group = groups[_groupsSent].Group;
                (TopicPartition, long)[] sent = [.. groups[_groupsSent].Offsets];
                _offsets = Send(group, () => Begun(log.Cluster.OffsetsInTransaction(transactionalId, _identity, group, sent)));
            }

            LogResult answer = Answer(ref _offsets);
            if (!answer.IsOk)
                return answer;
        }

        _groupsSent = 0;
        return LogResult.Ok;
    });

    public LogResult Commit(TimeSpan timeout) => Call("commit", () =>
    {
        if (!Flush())
            return Wait;
        return (_fatal ?? _failed) ?? End(commit: true);
    });

    public LogResult Abort(TimeSpan timeout) => Call("abort", () =>
    {
        // What was not sent is dropped; what is under way is waited for.
        foreach (Queue<Batch> queue in _queues.Values)
        {
            if (queue.Count == 0)
                continue;
            Batch first = queue.Peek();
            queue.Clear();
            if (first.Call is not null)
                queue.Enqueue(first);
        }

        if (_queues.Values.Any(q => q.Count > 0) || _offsets is { IsDone: false })
            return Wait;
        _offsets = null;
        if (_fatal is { } fatal)
            return fatal;
        LogResult result = End(commit: false);
        if (result.IsOk)
            _failed = null;
        return result;
    });

    public long? TrackedOffset(TopicPartition partition) => _tracked.TryGetValue(partition, out long offset) ? offset : null;

    public void Dispose() => _disposed = true;

    // What the coordinator knows nothing of is not ended there.
    private LogResult Begun(LogResult result)
    {
        _touched |= result.IsOk;
        return result;
    }

    private LogResult End(bool commit)
    {
        if (!_touched)
            return LogResult.Ok;
        _end ??= Send(transactionalId, () => log.Cluster.EndTransaction(transactionalId, _identity, commit));
        LogResult result = Answer(ref _end);
        if (result.IsOk)
            _touched = false;
        return result;
    }

    private bool Flush()
    {
        bool empty = true;
        foreach ((TopicPartition partition, Queue<Batch> queue) in _queues)
        {
            if (queue.Count == 0)
                continue;
            empty = false;
            foreach (Batch batch in queue)
                batch.IsDue = true;
            Pump(partition, queue);
        }

        return empty;
    }

    private void Pump(TopicPartition partition, Queue<Batch> queue)
    {
        if (_disposed || queue.Count == 0 || queue.Peek() is not { IsDue: true, Call: null } batch)
            return;
        batch.Call = Send(
            partition.ToString(),
            () =>
            {
                // Idempotent: a batch that is sent again is not written again.
                if (batch.FirstOffset >= 0)
                    return LogResult.Ok;
                LogResult result = Begun(log.Cluster.Produce(transactionalId, _identity, partition, batch.Records, out long first));
                batch.FirstOffset = first;
                return result;
            },
            result =>
            {
                queue.Dequeue();
                if (result.IsOk && _world.Faults.Strikes(SimulatedFault.DeliveryFailed, 0.3))
                    result = new LogResult(LogStatus.Abortable, "_MSG_TIMED_OUT: records were not delivered in time", OutsideCause: true);
                if (result.IsOk && batch.Tracked >= 0)
                    _tracked[partition] = batch.FirstOffset + batch.Tracked;
                else if (result.Status == LogStatus.Fatal)
                    _fatal ??= result;
                else if (!result.IsOk)
                    _failed ??= result;
                Pump(partition, queue);
            });
    }

    private LogResult Answer(ref SimulatedCall? call)
    {
        if (!call!.IsDone)
            return Wait;
        LogResult result = call.Result;
        call = null;
        if (result.Status == LogStatus.Fatal)
            _fatal ??= result;
        else if (!result.IsOk)
            _failed ??= result;
        return result;
    }

    private LogResult Call(string name, Func<LogResult> call)
    {
        log.OnCall?.Invoke($"before {name}");
        LogResult result = call();
        if (result.Status != LogStatus.TimedOut)
            log.OnCall?.Invoke($"after {name}");
        return result;
    }

    private SimulatedCall Send(string resource, Func<LogResult> serve, Action<LogResult>? done = null, TimeSpan? later = null) => log.Send(resource, serve, done, () => !_disposed, later);
}
