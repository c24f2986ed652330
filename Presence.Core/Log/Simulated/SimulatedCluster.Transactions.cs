namespace Presence.Core.Log.Simulated;

/// <summary>The transaction coordinators.</summary>
public sealed partial class SimulatedCluster
{
    private enum CoordinatorState
    {
        Empty,
        Ongoing,
        Ending,
    }

    private sealed class Coordinated
    {
        public required string Id { get; init; }

        public long ProducerId { get; init; }

        public int Epoch { get; set; }

        public CoordinatorState State { get; set; }

        public bool? LastCommitted { get; set; }

        public long StartedAt { get; set; }

        public long TouchedAt { get; set; }

        public int MarkersLeft { get; set; }

        public Dictionary<TopicPartition, SimulatedTransaction> Partitions { get; } = [];

        public List<(string Group, TopicPartition Partition, long Offset)> Offsets { get; } = [];
    }

    private readonly SortedDictionary<string, Coordinated> _coordinated = new(StringComparer.Ordinal);
    private long _producerIds;
    private long _decisions;

    /// <summary>Told of each commit as it is decided, before its markers are written: the transactional id.</summary>
    public Action<string>? OnCommitDecided { get; set; }

    /// <summary>No transaction is open or waits for its markers.</summary>
    public bool IsQuiet => _coordinated.Values.All(c => c.State == CoordinatorState.Empty);

    // Ends the client that asks, and leaves the id as it is.
    private static readonly LogResult Refusal = new(LogStatus.Fatal, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", OutsideCause: true);

    private static readonly LogResult Again = new(LogStatus.TimedOut, "CONCURRENT_TRANSACTIONS", OutsideCause: true);

    /// <summary>Someone takes a transactional id: what its earlier user left open is aborted, then the epoch is the new one's.</summary>
    public LogResult InitProducer(string id, object owner, out ProducerIdAndEpoch producer)
    {
        producer = ProducerIdAndEpoch.None;
        if (Denied.Contains(id))
            return Refusal;
        if (!_coordinated.TryGetValue(id, out Coordinated? c))
            _coordinated.Add(id, c = new Coordinated { Id = id, ProducerId = ++_producerIds, Epoch = -1 });
        c.TouchedAt = World.Now;
        if (c.State == CoordinatorState.Ongoing)
        {
            // From here on the earlier user is fenced.
            c.Epoch++;
            End(c, commit: false);
        }

        if (c.State == CoordinatorState.Ending)
            return Again;
        // An answer that was lost is given again, and fences nobody anew.
        if (_owners.TryGetValue(id, out object? known) && ReferenceEquals(known, owner))
        {
            producer = new ProducerIdAndEpoch(c.ProducerId, c.Epoch);
            return LogResult.Ok;
        }

        _owners[id] = owner;
        c.LastCommitted = null;
        producer = new ProducerIdAndEpoch(c.ProducerId, ++c.Epoch);
        World.Note(id, producer.Id, producer.Epoch);
        return LogResult.Ok;
    }

    private readonly Dictionary<string, object> _owners = [];

    /// <summary>Records of one producer for one partition; opens the transaction there when it is not open yet.</summary>
    public LogResult Produce(string id, ProducerIdAndEpoch producer, TopicPartition partition, IReadOnlyList<(byte[]? Key, byte[]? Value, long Timestamp, RecordHeader[] Headers)> records, out long firstOffset)
    {
        firstOffset = -1;
        if (Find(partition) is not { } target)
            return new LogResult(LogStatus.Abortable, $"{partition} does not exist", OutsideCause: true);
        if (Refuses?.Invoke(id, partition) == true)
            return new LogResult(LogStatus.Abortable, $"a record to {partition} is too large for its topic");
        LogResult result = Enter(id, producer, out Coordinated? c);
        if (!result.IsOk)
            return result;
        if (!c!.Partitions.TryGetValue(partition, out SimulatedTransaction? transaction))
            c.Partitions.Add(partition, transaction = target.Open(id, producer.Id, producer.Epoch));
        firstOffset = target.End;
        foreach (var (key, value, timestamp, headers) in records)
            target.Append(key, value, timestamp, headers, transaction);
        World.Note(partition.Topic, partition.Partition, target.End);
        return LogResult.Ok;
    }

    /// <summary>Positions of a group become part of a producer's transaction.</summary>
    public LogResult OffsetsInTransaction(string id, ProducerIdAndEpoch producer, string group, IReadOnlyList<(TopicPartition Partition, long Offset)> offsets)
    {
        LogResult result = Enter(id, producer, out Coordinated? c);
        if (!result.IsOk)
            return result;
        foreach ((TopicPartition partition, long offset) in offsets)
        {
            c!.Offsets.RemoveAll(o => o.Group == group && o.Partition == partition);
            c.Offsets.Add((group, partition, offset));
        }

        return LogResult.Ok;
    }

    /// <summary>
    /// Commits or aborts. The answer comes when the decision is taken; the markers follow, each partition and group at
    /// its own time.
    /// </summary>
    public LogResult EndTransaction(string id, ProducerIdAndEpoch producer, bool commit)
    {
        LogResult result = Check(id, producer, out Coordinated? c);
        if (!result.IsOk)
            return result;
        switch (c!.State)
        {
            case CoordinatorState.Ending:
                return Again;
            case CoordinatorState.Empty when c.LastCommitted == commit:
                return LogResult.Ok;
            case CoordinatorState.Empty when !commit && c.LastCommitted is null:
                return LogResult.Ok;
            case CoordinatorState.Empty:
                return new LogResult(LogStatus.Fatal, "INVALID_TXN_STATE", OutsideCause: true);
            default:
                End(c, commit);
                return LogResult.Ok;
        }
    }

    /// <summary>Aborts what has been open for too long, and forgets ids and offsets that nobody has touched for long.</summary>
    public void Expire()
    {
        foreach (Coordinated c in _coordinated.Values.ToList())
        {
            if (c.State == CoordinatorState.Ongoing && World.Now - c.StartedAt > (long)Options.TransactionTimeout.TotalMicroseconds)
            {
                World.Faults.Note(SimulatedFault.TransactionTimedOut);
                c.Epoch++;
                _owners.Remove(c.Id);
                End(c, commit: false);
            }
            else if (c.State == CoordinatorState.Empty && World.Now - c.TouchedAt > (long)Options.IdExpiration.TotalMicroseconds)
            {
                World.Faults.Note(SimulatedFault.IdExpired);
                _coordinated.Remove(c.Id);
                _owners.Remove(c.Id);
            }
        }

        ExpireOffsets();
    }

    private LogResult Enter(string id, ProducerIdAndEpoch producer, out Coordinated? c)
    {
        LogResult result = Check(id, producer, out c);
        if (!result.IsOk)
            return result;
        if (c!.State == CoordinatorState.Ending)
            return Again;
        if (c.State == CoordinatorState.Empty)
        {
            c.State = CoordinatorState.Ongoing;
            c.StartedAt = World.Now;
        }

        return LogResult.Ok;
    }

    private LogResult Check(string id, ProducerIdAndEpoch producer, out Coordinated? c)
    {
        c = null;
        if (Denied.Contains(id))
            return Refusal;
        // An id that was forgotten and taken anew has another producer id: the epochs begin again, the earlier user does not.
        if (!_coordinated.TryGetValue(id, out c) || c.ProducerId != producer.Id)
            return new LogResult(LogStatus.Fatal, "INVALID_PRODUCER_ID_MAPPING", OutsideCause: true);
        c.TouchedAt = World.Now;
        return producer.Epoch == c.Epoch ? LogResult.Ok : new LogResult(LogStatus.Fatal, $"PRODUCER_FENCED: epoch {producer.Epoch}, now {c.Epoch}", OutsideCause: true, IsFenced: true);
    }

    private void End(Coordinated c, bool commit)
    {
        World.Note(commit ? "commit" : "abort", c.ProducerId, c.Epoch);
        if (commit)
            OnCommitDecided?.Invoke(c.Id);
        c.State = CoordinatorState.Ending;
        c.LastCommitted = commit;
        c.MarkersLeft = c.Partitions.Count + c.Offsets.Count;
        _decisions++;
        foreach (SimulatedTransaction transaction in c.Partitions.Values)
            (transaction.DecidedAs, transaction.DecidedAt) = (_decisions, World.Now);
        foreach ((TopicPartition partition, SimulatedTransaction transaction) in c.Partitions)
            Mark(c, partition.ToString(), () => Find(partition)?.Close(transaction, commit));
        foreach (var (group, partition, offset) in c.Offsets)
        {
            Mark(c, group, () =>
            {
                c.Offsets.Remove((group, partition, offset));
                if (commit)
                    CommitOffset(group, partition, offset);
            });
        }

        if (c.MarkersLeft == 0)
            Finish(c);
    }

    private void Mark(Coordinated c, string where, Action write)
    {
        World.After(World.Faults.Strikes(SimulatedFault.SlowNetwork) ? World.Span(100, 2000) : World.Span(0.2, 5), () =>
        {
            if (!IsUp(where))
            {
                Mark(c, where, write);
                return;
            }

            write();
            if (--c.MarkersLeft == 0)
                Finish(c);
        });
    }

    private static void Finish(Coordinated c)
    {
        c.Partitions.Clear();
        c.Offsets.Clear();
        c.State = CoordinatorState.Empty;
    }
}
