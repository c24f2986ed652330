using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Host.Web.Board;

/// <summary>
/// Feeds the board from the output topics, committed records only, beginning shortly before their ends. Nothing happens
/// but in <see cref="RunOnce"/>, on one thread; <see cref="State"/> and <see cref="Reason"/> are for any.
/// </summary>
internal sealed class BoardReader : ILogReceiver, IDisposable
{
    private const int RecordsPerPoll = 500;
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookSoon = TimeSpan.FromSeconds(2);

    private sealed class Slot(TopicPartition partition, BoardTopic topic, string topicId)
    {
        public TopicPartition Partition { get; } = partition;

        public BoardTopic Topic { get; } = topic;

        public string TopicId { get; set; } = topicId;

        public bool IsRead { get; set; }

        public bool IsAtEnd { get; set; }

        /// <summary>Where to read on after a fault; null: wherever its end is then.</summary>
        public long? ResumeAt { get; set; }
    }

    private sealed record Found(IReadOnlyDictionary<string, TopicDescription> Topics, IReadOnlyDictionary<TopicPartition, long> Starts, IReadOnlyDictionary<TopicPartition, long> Ends);

    private readonly Board _board;
    private readonly ILog _log;
    private readonly BoardOptions _options;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, BoardTopic> _topics;
    private readonly List<Slot> _slots = [];
    private readonly Queue<Slot> _faulted = new();
    private readonly BoardRecord _record = new();
    private readonly CancellationTokenSource _end = new();
    private ILogConsumer? _consumer;
    private Task<Found>? _looking;
    private long _lookedAt;
    private TimeSpan _lookIn = TimeSpan.Zero;
    private volatile string? _reason = "it has not looked for its topics yet";
    private volatile string? _fault;
    private volatile bool _hasTopics;
    private volatile bool _isLive;
    private long _ignored;

    /// <summary>Does not touch the log yet.</summary>
    public BoardReader(Board board, ILog log, TopicNames names, BoardOptions options, TimeProvider time)
    {
        _board = board;
        _log = log;
        _options = options;
        _time = time;
        _topics = new()
        {
            [names.WalkIns] = BoardTopic.WalkIns,
            [names.VisitsEnded] = BoardTopic.VisitsEnded,
            [names.EnrichedWalkIns] = BoardTopic.EnrichedWalkIns,
            [names.WalkInCounts] = BoardTopic.WalkInCounts,
        };
    }

    /// <summary><c>waiting</c>, <c>reading</c> or <c>live</c>.</summary>
    public string State => !_hasTopics ? "waiting" : _isLive ? "live" : "reading";

    /// <summary>What it waits for or cannot read; null when all is well.</summary>
    public string? Reason => _fault ?? _reason;

    /// <summary>Values that were none of the contract's.</summary>
    public long Ignored => Interlocked.Read(ref _ignored);

    /// <summary>Takes what there is; waits at most <paramref name="wait"/>. Throws <see cref="LogException"/> when the log refuses for good.</summary>
    public int RunOnce(TimeSpan wait)
    {
        _consumer ??= _log.CreateConsumer("board", IsolationLevel.ReadCommitted);
        Look();
        int records = _consumer.Poll(this, RecordsPerPoll, wait);
        Resume();
        _hasTopics = _slots.Any(s => s.IsRead);
        _isLive = _hasTopics && _slots.All(s => !s.IsRead || s.IsAtEnd);
        return records;
    }

    /// <inheritdoc/>
    public void OnRecord(int slot, in LogRecord record)
    {
        _fault = null;
        if (!record.HasValue)
            return;
        BoardTopic topic = _slots[slot].Topic;
        if (_record.Decode(topic, record.Value))
            _board.Apply(topic, _record);
        else
            Interlocked.Increment(ref _ignored);
    }

    /// <inheritdoc/>
    public void OnEnd(int slot, long position, long highWatermark)
    {
        _fault = null;
        _slots[slot].IsAtEnd = true;
    }

    /// <inheritdoc/>
    public void OnFault(int slot, LogFault fault, long offset, string detail)
    {
        Slot faulted = _slots[slot];
        _fault = $"{faulted.Partition} at offset {offset}: {detail}";
        if (fault is LogFault.Unreachable or LogFault.Unauthorized)
            return;
        // Past a damaged batch, step by step; from anywhere else, to where the end is then.
        faulted.ResumeAt = fault == LogFault.CorruptBatch ? offset + 1 : null;
        if (!_faulted.Contains(faulted))
            _faulted.Enqueue(faulted);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Cancel();
        _consumer?.Dispose();
        _end.Dispose();
    }

    private void Resume()
    {
        while (_faulted.TryDequeue(out Slot? slot))
        {
            if (slot.ResumeAt is { } offset)
            {
                _consumer!.Add(slot.Partition, _slots.IndexOf(slot), offset);
            }
            else if (slot.IsRead)
            {
                _consumer!.Remove(slot.Partition);
                (slot.IsRead, slot.IsAtEnd) = (false, false);
                _lookIn = LookSoon;
            }
        }
    }

    private void Look()
    {
        if (_looking is null)
        {
            if (_time.GetElapsedTime(_lookedAt) < _lookIn)
                return;
            _looking = Find(_end.Token);
        }

        if (!_looking.IsCompleted)
            return;
        Task<Found> looked = _looking;
        (_looking, _lookedAt, _lookIn) = (null, _time.GetTimestamp(), LookSoon);
        if (!looked.IsCompletedSuccessfully)
        {
            _reason = $"the log does not say where its topics end: {looked.Exception?.InnerException?.Message ?? "cancelled"}";
            return;
        }

        Assign(looked.Result);
        string[] missing = [.. _topics.Keys.Where(t => !looked.Result.Topics.ContainsKey(t))];
        _reason = missing.Length == 0 ? null : $"topics that do not exist: {string.Join(", ", missing)}";
        _lookIn = missing.Length == 0 && _slots.All(s => s.IsRead) ? LookAgain : LookSoon;
    }

    private async Task<Found> Find(CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, TopicDescription> topics = await _log.Admin.DescribeTopics([.. _topics.Keys], cancellation);
        TopicPartition[] partitions = [.. topics.Values.SelectMany(t => Enumerable.Range(0, t.Partitions).Select(p => new TopicPartition(t.Name, p)))];
        if (partitions.Length == 0)
            return new Found(topics, new Dictionary<TopicPartition, long>(), new Dictionary<TopicPartition, long>());
        return new Found(
            topics,
            await _log.Admin.StartOffsets(partitions, cancellation),
            await _log.Admin.EndOffsets(partitions, IsolationLevel.ReadCommitted, cancellation));
    }

    private void Assign(Found found)
    {
        foreach ((TopicPartition partition, long end) in found.Ends)
        {
            string id = found.Topics[partition.Topic].Id;
            Slot? slot = _slots.Find(s => s.Partition == partition);
            if (slot is null)
                _slots.Add(slot = new Slot(partition, _topics[partition.Topic], id));
            else if (slot.IsRead && slot.TopicId == id)
                continue;
            // Made again under the same name: its offsets begin anew.
            if (slot.IsRead)
                _consumer!.Remove(partition);
            long start = found.Starts.GetValueOrDefault(partition);
            _consumer!.Add(partition, _slots.IndexOf(slot), Math.Max(start, end - _options.OffsetsBeforeEnd));
            (slot.TopicId, slot.IsRead, slot.IsAtEnd) = (id, true, false);
        }
    }
}
