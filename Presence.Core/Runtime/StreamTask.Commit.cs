using Presence.Core.Log;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>Steps 6 and 7 of the map, and their undoing.</summary>
public sealed partial class StreamTask
{
    /// <summary>
    /// 6. commit: sends the outputs that a full queue has held up, the changed keys, and then the meta record to the
    /// changelog. Anything but Ok: repeat, or abort; it goes on where it was. After Ok the transaction of this task is
    /// sealed: what is fed from then on belongs to the next one.
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
        LogResult last = producer.Produce(Changelog, StoreKeys.Meta, hasKey: true, _metaBytes, hasValue: true, wallClock, trackOffset: true);
        if (last.IsOk)
            Seal();
        return last;
    }

    private void Seal()
    {
        _store.Seal();
        (_tally, _sealedTally) = (_sealedTally, _tally);
        for (int i = 0; i < Inputs.Length; i++)
            _sealedClockedAt[i] = Inputs[i].ClockedAt;
        _changelogCursor = 0;
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
    /// 7. apply: the sealed transaction is committed, <paramref name="metaOffset"/> is where its meta record lies in the
    /// changelog. Throws <see cref="StoreException"/>: the task must then be closed and taken over anew.
    /// </summary>
    public void Apply(long metaOffset, long wallClock)
    {
        _store.Apply(_metaBytes, metaOffset + 1, wallClock);
        _committed.CopyFrom(_current);
        _recommit = false;
        for (int i = 0; i < Inputs.Length; i++)
        {
            _clockedAt[i] = _sealedClockedAt[i];
            while (Inputs[i].Poisoned.Count > 0 && Inputs[i].Poisoned.GetKeyAtIndex(0) < _committed.NextOffsets[i])
                Inputs[i].Poisoned.RemoveAt(0);
        }

        _sealedTally.Report(_metrics, _policy);
    }

    /// <summary>The transaction is aborted, and what was fed since with it: state, clocks and positions are those of the last commit again.</summary>
    public void Rewind()
    {
        _store.Abandon();
        _outbox.Clear();
        _changelogCursor = 0;
        for (int i = 0; i < Inputs.Length; i++)
            Inputs[i].Rewind(_committed.NextOffsets[i]);
        LoadClocks();
        _tally.Clear();
        _sealedTally.Clear();
    }
}
