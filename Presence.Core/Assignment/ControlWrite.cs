using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>Writes records to the control log in one transaction, one answer at a time.</summary>
internal sealed class ControlWrite(ITransactionalProducer producer, TopicPartition partition)
{
    private enum At
    {
        Begin,
        Produce,
        Commit,
        Abort,
    }

    private IReadOnlyList<(byte[] Key, byte[]? Value)> _records = [];
    private At _at;
    private int _written;
    private long _timestamp;

    /// <summary>Nothing is to be written after it.</summary>
    public bool IsLast { get; private set; }

    /// <summary>Begins; a null value deletes.</summary>
    public void Begin(IReadOnlyList<(byte[] Key, byte[]? Value)> records, bool isLast, long timestamp)
    {
        _records = records;
        IsLast = isLast;
        _timestamp = timestamp;
        _at = At.Begin;
        _written = 0;
    }

    /// <summary>Goes on. True when it is committed. <paramref name="failure"/>: the producer is finished for good.</summary>
    public bool Step(TimeSpan wait, out string? failure)
    {
        failure = null;
        while (true)
        {
            LogResult result = Next(wait);
            switch (result.Status)
            {
                case LogStatus.Ok when _at == At.Commit:
                    return true;
                case LogStatus.Ok:
                    Advance();
                    continue;
                case LogStatus.Fatal:
                    failure = result.Reason ?? "the planner's producer failed";
                    return false;
                case LogStatus.Abortable or LogStatus.RecordRejected:
                    _at = At.Abort;
                    return false;
                default:
                    return false;
            }
        }
    }

    private LogResult Next(TimeSpan wait)
    {
        switch (_at)
        {
            case At.Begin:
                return producer.Begin();
            case At.Produce:
                (byte[] key, byte[]? value) = _records[_written];
                return producer.Produce(partition, key, true, value, value is not null, _timestamp, trackOffset: _written == _records.Count - 1);
            case At.Commit:
                return producer.Commit(wait);
            default:
                return producer.Abort(wait);
        }
    }

    private void Advance()
    {
        switch (_at)
        {
            case At.Begin:
                _at = At.Produce;
                break;
            case At.Produce when ++_written == _records.Count:
                _at = At.Commit;
                break;
            case At.Abort:
                _at = At.Begin;
                _written = 0;
                break;
        }
    }
}
