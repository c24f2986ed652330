using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>Reads the application's control log from its start on, committed records only. Stepped by one thread.</summary>
public sealed class ControlReader : ILogReceiver, IDisposable
{
    private readonly ILog _log;
    private readonly TopicPartition _partition;
    private readonly TimeProvider _time;
    private ILogConsumer? _consumer;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _start;

    /// <summary>Of an application; touches the log with the first step.</summary>
    public ControlReader(ILog log, string application, TimeProvider time)
    {
        _log = log;
        _time = time;
        _partition = new TopicPartition(ControlTopics.ControlOf(application), 0);
        HealthySince = time.GetTimestamp();
    }

    /// <summary>What it says up to <see cref="Position"/>.</summary>
    public ControlState State { get; } = new();

    /// <summary>Next offset to read.</summary>
    public long Position { get; private set; }

    /// <summary>Whether its end has been reached once.</summary>
    public bool HasReachedEnd { get; private set; }

    /// <summary>Since when it has been read without trouble; a timestamp of the clock.</summary>
    public long HealthySince { get; private set; }

    /// <summary>What it waits for, in words: access that is denied; null when for nothing.</summary>
    public string? Waiting { get; private set; }

    /// <summary>Why it can never be read on; null while it can.</summary>
    public string? Failure { get; private set; }

    /// <summary>Reads on; waits at most <paramref name="wait"/>.</summary>
    public void Poll(TimeSpan wait, CancellationToken cancellation)
    {
        if (_consumer is null)
        {
            _start ??= _log.Admin.StartOffsets([_partition], cancellation);
            if (!_start.IsCompleted)
                return;
            if (!_start.IsCompletedSuccessfully || !_start.Result.TryGetValue(_partition, out long start))
            {
                _start = null;
                return;
            }

            Position = start;
            _consumer = _log.CreateConsumer($"{_partition.Topic}-reader", IsolationLevel.ReadCommitted, FetchMode.Prompt);
            _consumer.Add(_partition, 0, Position);
        }

        _consumer.Poll(this, 10_000, wait);
    }

    void ILogReceiver.OnRecord(int slot, in LogRecord record)
    {
        if (record.Offset < Position)
            return;
        Waiting = null;
        Position = record.Offset + 1;
        if (record.HasKey)
            State.Apply(record.Key, record.Value, record.HasValue);
    }

    void ILogReceiver.OnEnd(int slot, long position, long highWatermark)
    {
        Position = Math.Max(Position, position);
        HasReachedEnd = true;
        Waiting = null;
    }

    void ILogReceiver.OnFault(int slot, LogFault fault, long offset, string detail)
    {
        HealthySince = _time.GetTimestamp();
        switch (fault)
        {
            case LogFault.Unreachable:
                break;
            case LogFault.Unauthorized:
                // ACLs are replaced by deleting and adding them, for instance. The client fetches again after a second,
                // and says only once that it is denied.
                Waiting = $"access to the control log {_partition}: {detail}";
                break;
            default:
                Failure = $"the control log {_partition} cannot be read at offset {offset} ({fault}): {detail}. Nothing is skipped in it";
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _consumer?.Dispose();
}
