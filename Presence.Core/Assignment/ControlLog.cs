using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>
/// The application's control log as one instance drives it: takes the planner's transactional id (that id is the lock:
/// who initialised it last is the only one that can write), reads the log up to its end, ends earlier incarnations by
/// initialising their transactional ids, and writes who lives now. Stepped; never waits longer than a call's bound.
/// </summary>
public sealed class ControlLog : ILogReceiver, IDisposable
{
    private static readonly TimeSpan CallWait = TimeSpan.FromMilliseconds(20);
    private const int FencedAtOnceMax = 32;

    private readonly ILog _log;
    private readonly string _application;
    private readonly TopicPartition _partition;
    private readonly ITransactionalProducer _planner;
    private readonly Dictionary<string, Incarnation?> _incarnations = [];
    private readonly Queue<string> _toFence = new();
    private readonly List<ITransactionalProducer> _fencing = [];
    private ILogConsumer? _consumer;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _start;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _end;
    private long _position;
    private bool _locked;
    private bool _read;
    private WriteStep _writeStep;
    private IReadOnlyList<(byte[] Key, byte[]? Value)> _writing = [];
    private int _written;

    private enum WriteStep
    {
        Begin,
        Produce,
        Commit,
        Abort,
    }

    /// <summary>Touches the log with the first step.</summary>
    public ControlLog(ILog log, string application)
    {
        _log = log;
        _application = application;
        _partition = new TopicPartition(TopicOf(application), 0);
        _planner = log.CreateProducer($"{application}-planner");
    }

    /// <summary>The control topic's name.</summary>
    public static string TopicOf(string application) => $"{application}-control";

    /// <summary>Why it is finished for good: another planner has taken the lock; null while it is not.</summary>
    public string? Failure { get; private set; }

    /// <summary>What the present step waits for, in words.</summary>
    public string? Waiting { get; private set; }

    /// <summary>Incarnations that have been announced and not ended, by id; a null value was written by a newer version.</summary>
    public IReadOnlyDictionary<string, Incarnation?> Incarnations => _incarnations;

    /// <summary>Takes the lock, then reads the log up to its end. True when done.</summary>
    public bool StepOpen(TimeSpan wait, CancellationToken cancellation)
    {
        if (!_locked)
        {
            LogResult taken = _planner.Init(wait);
            if (!taken.IsOk)
            {
                Waiting = $"the planner's transactional id: {taken.Reason}";
                if (taken.Status == LogStatus.Fatal)
                    Failure = taken.Reason;
                return false;
            }

            _locked = true;
        }

        if (_read)
            return true;
        _start ??= _log.Admin.StartOffsets([_partition], cancellation);
        _end ??= _log.Admin.EndOffsets([_partition], IsolationLevel.ReadUncommitted, cancellation);
        Waiting = $"the offsets of {_partition}";
        if (!_start.IsCompleted || !_end.IsCompleted)
            return false;
        if (!_start.IsCompletedSuccessfully || !_end.IsCompletedSuccessfully)
        {
            _start = _end = null;
            return false;
        }

        if (_consumer is null)
        {
            _consumer = _log.CreateConsumer($"{_application}-control", IsolationLevel.ReadCommitted);
            _position = _start.Result[_partition];
            _consumer.Add(_partition, 0, _position);
        }

        if (_position < _end.Result[_partition])
            _consumer.Poll(this, 10_000, wait);
        Waiting = $"the records of {_partition}, {_end.Result[_partition] - _position} to go";
        if (_position < _end.Result[_partition])
            return false;
        _consumer.Dispose();
        _consumer = null;
        _read = true;
        foreach (Incarnation? incarnation in _incarnations.Values)
        {
            for (int worker = 0; worker < (incarnation?.Workers ?? 0); worker++)
                _toFence.Enqueue(incarnation!.TransactionalId(_application, worker));
        }

        return true;
    }

    /// <summary>
    /// Ends every incarnation found: initialises all its transactional ids, a bounded number side by side (a call that
    /// times out goes on by itself and is repeated). True when done.
    /// </summary>
    public bool StepFence()
    {
        while (_fencing.Count < FencedAtOnceMax && _toFence.TryDequeue(out string? id))
            _fencing.Add(_log.CreateProducer(id));
        for (int i = _fencing.Count - 1; i >= 0; i--)
        {
            LogResult result = _fencing[i].Init(CallWait);
            if (result.Status is LogStatus.TimedOut or LogStatus.Abortable)
            {
                Waiting = $"{_fencing.Count + _toFence.Count} transactional ids of ended incarnations to be fenced: {result.Reason}";
                continue;
            }

            // Ok, or fatal: somebody else fenced it at the same moment.
            _fencing[i].Dispose();
            _fencing.RemoveAt(i);
        }

        return _fencing.Count == 0 && _toFence.Count == 0;
    }

    /// <summary>Begins to write records in one transaction; a null value deletes.</summary>
    public void BeginWrite(IReadOnlyList<(byte[] Key, byte[]? Value)> records)
    {
        _writing = records;
        _writeStep = WriteStep.Begin;
        _written = 0;
    }

    /// <summary>Goes on writing. True when the transaction is committed.</summary>
    public bool StepWrite(long now, TimeSpan wait)
    {
        while (true)
        {
            LogResult result;
            switch (_writeStep)
            {
                case WriteStep.Begin:
                    result = _planner.Begin();
                    if (result.IsOk)
                        _writeStep = WriteStep.Produce;
                    break;
                case WriteStep.Produce when _written < _writing.Count:
                    (byte[] key, byte[]? value) = _writing[_written];
                    result = _planner.Produce(_partition, key, true, value, value is not null, now);
                    if (result.IsOk)
                        _written++;
                    break;
                case WriteStep.Produce:
                    _writeStep = WriteStep.Commit;
                    continue;
                case WriteStep.Commit:
                    result = _planner.Commit(wait);
                    if (result.IsOk)
                        return true;
                    break;
                default:
                    result = _planner.Abort(wait);
                    if (result.IsOk)
                    {
                        _writeStep = WriteStep.Begin;
                        _written = 0;
                    }

                    break;
            }

            if (result.IsOk)
                continue;
            if (result.Status == LogStatus.Fatal)
                Failure = result.Reason ?? "the planner's producer failed";
            else if (result.Status is LogStatus.Abortable or LogStatus.RecordRejected)
                _writeStep = WriteStep.Abort;
            return false;
        }
    }

    void ILogReceiver.OnRecord(int slot, in LogRecord record)
    {
        _position = record.Offset + 1;
        if (!record.HasKey || Incarnation.IdOf(record.Key) is not { } id)
            return;
        if (record.HasValue)
            _incarnations[id] = Incarnation.Read(id, record.Value);
        else
            _incarnations.Remove(id);
    }

    void ILogReceiver.OnEnd(int slot, long position, long highWatermark) => _position = position;

    void ILogReceiver.OnFault(int slot, LogFault fault, long offset, string detail)
    {
        if (fault != LogFault.Unreachable)
            Failure = $"the control log {_partition} cannot be read at offset {offset} ({fault}): {detail}";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ITransactionalProducer producer in _fencing)
            producer.Dispose();
        _consumer?.Dispose();
        _planner.Dispose();
    }
}
