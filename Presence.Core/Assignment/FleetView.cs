using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>
/// What all incarnations announce, and who is silent, by the clock of the log alone. Kept by the planner and its
/// deputies. Stepped by one thread.
/// </summary>
public sealed class FleetView : ILogReceiver, IDisposable
{
    private sealed class Heard
    {
        public required Announcement Last { get; set; }

        public long At { get; set; }

        public required long First { get; init; }
    }

    private readonly ILog _log;
    private readonly TopicPartition _partition;
    private readonly string _own;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, Heard> _heard = [];
    private ILogConsumer? _consumer;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _end;
    private long _order;
    private long _ownAt = long.MinValue;
    private long _ownSince = long.MaxValue;
    private long _ownReadAt;
    private bool _isLost;

    /// <summary>
    /// As the incarnation <paramref name="own"/> sees it, which takes others for dead after a silence of
    /// <paramref name="timeout"/>: its own beats further apart than half of that measure nothing.
    /// </summary>
    public FleetView(ILog log, string application, string own, TimeSpan timeout, TimeProvider time)
    {
        _log = log;
        _partition = new TopicPartition(ControlTopics.FleetOf(application), 0);
        _own = own;
        _timeout = timeout;
        _time = time;
    }

    /// <summary>
    /// Whether what is known of others is young: the own beats come back. Where they do not, others may have said long
    /// ago what is not known here.
    /// </summary>
    public bool IsCurrent => _ownAt != long.MinValue && _time.GetElapsedTime(_ownReadAt) < _timeout;

    /// <summary>Whether what is said from now on is heard.</summary>
    public bool IsListening => _consumer is not null;

    /// <summary>Counts news: beats that say nothing new but how far copies are do not count.</summary>
    public long Version { get; private set; }

    /// <summary>Everyone heard.</summary>
    public IEnumerable<Announcement> Members => _heard.Values.Select(h => h.Last);

    /// <summary>The last announcement of an incarnation; null where none was heard.</summary>
    public Announcement? Of(string incarnation) => _heard.TryGetValue(incarnation, out Heard? heard) ? heard.Last : null;

    /// <summary>Orders incarnations by when they were first heard; one never heard is older than all.</summary>
    public long FirstHeard(string incarnation) => _heard.TryGetValue(incarnation, out Heard? heard) ? heard.First : -1;

    /// <summary>Reads on; does not wait.</summary>
    public void Poll(CancellationToken cancellation)
    {
        if (_consumer is null)
        {
            // Announcements are repeated: what was said before need not be read.
            _end ??= _log.Admin.EndOffsets([_partition], IsolationLevel.ReadUncommitted, cancellation);
            if (!_end.IsCompleted)
                return;
            if (!_end.IsCompletedSuccessfully || !_end.Result.TryGetValue(_partition, out long end))
            {
                _end = null;
                return;
            }

            _consumer = _log.CreateConsumer($"{_partition.Topic}-reader", IsolationLevel.ReadCommitted, FetchMode.Prompt);
            _consumer.Add(_partition, 0, end);
        }

        _consumer.Poll(this, 10_000, TimeSpan.Zero);
        if (_isLost)
            BeginAnew();
    }

    // From the end of the topic, whichever it is by then.
    private void BeginAnew()
    {
        _isLost = false;
        _consumer?.Dispose();
        _consumer = null;
        _end = null;
        _ownSince = long.MaxValue;
        _ownAt = long.MinValue;
    }

    /// <summary>
    /// How long an incarnation has been silent (ms): the span of the own beats after its last one, as far as there is no
    /// gap between them. A log that was away, or that took none of the own beats, says nothing about others.
    /// </summary>
    public long SilenceOf(string incarnation)
    {
        if (_ownAt == long.MinValue)
            return 0;
        long last = _heard.TryGetValue(incarnation, out Heard? heard) ? heard.At : long.MinValue;
        return Math.Max(0, _ownAt - Math.Max(last, _ownSince));
    }

    /// <summary>Forgets an incarnation that is done with.</summary>
    public void Forget(string incarnation) => _heard.Remove(incarnation);

    void ILogReceiver.OnRecord(int slot, in LogRecord record)
    {
        if (!record.HasKey || !record.HasValue || Announcement.Read(record.Key, record.Value) is not { } announcement)
            return;
        if (_heard.TryGetValue(announcement.Incarnation, out Heard? heard))
        {
            // What was said before, and comes late or twice, is no sign of life.
            if (announcement.Sequence <= heard.Last.Sequence)
                return;
            if (announcement.IsNewsAfter(heard.Last))
                Version++;
            heard.Last = announcement;
            heard.At = record.Timestamp;
        }
        else
        {
            Version++;
            _heard.Add(announcement.Incarnation, new Heard { Last = announcement, At = record.Timestamp, First = ++_order });
        }

        if (announcement.Incarnation != _own)
            return;
        if (_ownSince == long.MaxValue || record.Timestamp - _ownAt > _timeout.TotalMilliseconds / 2)
            _ownSince = record.Timestamp;
        _ownAt = record.Timestamp;
        _ownReadAt = _time.GetTimestamp();
    }

    void ILogReceiver.OnEnd(int slot, long position, long highWatermark)
    {
        // Positions are kept by the consumer.
    }

    // Retention has passed it by, or the topic was made anew. The consumer that says so is still at it. What passes is waited
    // for: access that is denied, too.
    void ILogReceiver.OnFault(int slot, LogFault fault, long offset, string detail) => _isLost |= fault is not (LogFault.Unreachable or LogFault.Unauthorized);

    /// <inheritdoc/>
    public void Dispose() => _consumer?.Dispose();
}
