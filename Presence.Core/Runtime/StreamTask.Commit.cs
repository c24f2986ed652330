using Presence.Core.Log;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>Steps 6 and 7 of the map, and their undoing.</summary>
public sealed partial class StreamTask
{
    private readonly Dictionary<string, long> _badReasons = [];

    /// <summary>
    /// 6. commit: sends the outputs that a full queue has held up, the changed keys, and then the meta record to the
    /// changelog. Anything but Ok: repeat, or abort; it goes on where it was.
    /// </summary>
    public LogResult ProduceChangelog(ITransactionalProducer producer, long wallClock)
    {
        // The outputs of a record and the position after it are in one transaction, or one of them could be lost alone.
        LogResult drained = _outbox.Drain(producer);
        if (!drained.IsOk)
            return drained;
        while (_changelogCursor < _store.DirtyCount)
        {
            LogResult sent = producer.Produce(
                Changelog,
                _store.DirtyKey(_changelogCursor),
                hasKey: true,
                _store.DirtyValue(_changelogCursor),
                hasValue: !_store.IsDirtyDeleted(_changelogCursor),
                wallClock);
            if (!sent.IsOk)
                return sent;
            _changelogCursor++;
        }

        for (int i = 0; i < Inputs.Length; i++)
        {
            _current.NextOffsets[i] = Inputs[i].NextOffset;
            _current.StreamTimes[i] = Inputs[i].StreamTime;
            _current.Clocks[i] = Inputs[i].Clock;
        }

        _current.Write(_metaBytes);
        return producer.Produce(Changelog, StoreKeys.Meta, hasKey: true, _metaBytes, hasValue: true, wallClock, trackOffset: true);
    }

    /// <summary>The positions that go into the transaction.</summary>
    public void CollectOffsets(List<(TopicPartition Partition, long Offset)> offsets)
    {
        for (int i = 0; i < Inputs.Length; i++)
        {
            if (_recommit || Inputs[i].NextOffset != _committed.NextOffsets[i])
                offsets.Add((Inputs[i].Partition, Inputs[i].NextOffset));
        }
    }

    /// <summary>
    /// 7. apply: the transaction is committed, <paramref name="metaOffset"/> is where its meta record lies in the
    /// changelog. Throws <see cref="StoreException"/>: the task must then be closed and taken over anew.
    /// </summary>
    public void Apply(long metaOffset, long wallClock)
    {
        _store.Apply(_metaBytes, metaOffset + 1, wallClock);
        _committed.CopyFrom(_current);
        _recommit = false;
        _changelogCursor = 0;
        for (int i = 0; i < Inputs.Length; i++)
        {
            _clockedAt[i] = Inputs[i].ClockedAt;
            if (Inputs[i].PoisonOffset < Inputs[i].NextOffset)
                Inputs[i].PoisonOffset = -1;
        }

        Report();
    }

    /// <summary>The transaction is aborted: state, clocks and positions are those of the last commit again.</summary>
    public void Rewind()
    {
        _store.Abandon();
        _outbox.Clear();
        _changelogCursor = 0;
        for (int i = 0; i < Inputs.Length; i++)
            Inputs[i].Rewind(_committed.NextOffsets[i]);
        LoadClocks();
        _processed = 0;
        Array.Clear(_counters);
        _badReasons.Clear();
    }

    private void Report()
    {
        _metrics.Processed(_definition.Name, _processed);
        for (int i = 0; i < _counters.Length; i++)
        {
            if (_counters[i] != 0)
                _metrics.StageCounted(_definition.Name, _definition.Counters[i], _counters[i]);
        }

        foreach ((string reason, long count) in _badReasons)
        {
            if (_policy == BadInputPolicy.Skip)
                _metrics.Skipped(_definition.Name, reason, count);
            else
                _metrics.DeadLettered(_definition.Name, reason, count);
        }

        _processed = 0;
        Array.Clear(_counters);
        _badReasons.Clear();
    }
}
