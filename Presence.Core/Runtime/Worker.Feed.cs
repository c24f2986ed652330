using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>Feeding the tasks of a worker, and what their stores and inputs need beside.</summary>
public sealed partial class Worker
{
    private readonly Queue<(StreamTask Task, int Input, LogFault Fault, long Offset, string Detail)> _faults = new();

    private void HandleFaults(long now)
    {
        while (_faults.TryDequeue(out var item))
        {
            (StreamTask task, int index, LogFault fault, long offset, string detail) = item;
            if (!_tasks.Contains(task))
                continue;
            TaskInput input = task.Inputs[index];
            switch (fault)
            {
                case LogFault.Unreachable:
                    input.OnUnreachable(detail, now);
                    break;
                case LogFault.CorruptBatch:
                    _logger.CorruptBatch(task.Id.ToString(), input.Partition.ToString(), offset, detail);
                    if (task.OnCorrupt(index, offset))
                        Read(task, index);
                    break;
                default:
                    // Out of range, gone, not allowed: takeover decides with a fresh view of the log.
                    Doom(task, $"{input.Partition} cannot be read at offset {offset}: {detail}");
                    break;
            }
        }
    }

    private int FeedTasks(long now)
    {
        HandleFaults(now);
        int handled = 0;
        _isMoreToFeed = false;
        for (int i = 0; i < _tasks.Count && State == WorkerState.Feeding; i++)
        {
            StreamTask task = _tasks[i];
            if (task.StopReason is not null || (_mode != FeedMode.All && i != _suspect) || (_releasing.Count > 0 && _releasing.Contains(task.Id)))
                continue;
            if (_open && _mode == FeedMode.OneRecord && task.IsDirty)
                continue;
            // Always: a clock that runs on in an idle task may make a timer due. An open transaction costs nothing as
            // long as nothing is sent.
            if (!_open && !TryBegin())
                break;

            handled += Feed(task, _mode == FeedMode.OneRecord ? 1 : _options.Bounds.FeedMax, now, _producer);
        }

        if (_doomed.Count > 0 && State == WorkerState.Feeding)
            BeginAbort("a task of this worker must be taken over anew", outsideCause: true);
        return handled;
    }

    // Whether the next transaction may be worked on while this one is on its way. Who keeps up leaves the processors to the
    // commit: it is done sooner, which is all that its readers wait for.
    private bool MayFeedAhead() =>
        _isBehind && State is WorkerState.Offsets or WorkerState.Committing
        && _mode == FeedMode.All && IsAheadGood
        && !_stopRequested && _releasing.Count == 0 && _leaving.IsEmpty
        && DirtyBytes() < _options.Bounds.DirtyBytesMax;

    private bool IsAheadGood => _abortAhead is null && _doomed.Count == 0;

    // Little at a time: the transaction has one call after the other to make, and must not wait long for any. Nothing leaves
    // the process: what the tasks emit is kept until the transaction is known to be committed, or is dropped with it.
    private void FeedAhead()
    {
        if (!_isMoreToFeed)
            _consumers.Poll(this, _options.Bounds.PollRecordsMax, TimeSpan.Zero);
        long now = Now();
        HandleFaults(now);
        if (State == WorkerState.Committing)
            WriteStores();
        int budget = Math.Min(WorkerBounds.FeedAheadMax, _options.Bounds.FeedMax), left = budget;
        _isMoreToFeed = false;
        for (int turns = _tasks.Count; turns > 0 && left > 0 && IsAheadGood; turns--)
        {
            _aheadTurn = (_aheadTurn + 1) % _tasks.Count;
            if (_tasks[_aheadTurn].StopReason is null)
                left -= Feed(_tasks[_aheadTurn], left, now, producer: null);
        }

        // The turns of those that were not looked at come next.
        _isMoreToFeed |= left <= 0;
        _fedLast = Math.Max(budget - left, _isMoreToFeed ? 1 : 0);
        BoundQueues();
    }

    private int Feed(StreamTask task, int budget, long now, ITransactionalProducer? producer)
    {
        FeedResult result;
        try
        {
            result = task.Feed(budget, now, producer);
        }
        catch (StoreException e)
        {
            Doom(task, $"its store failed: {e.Message}", e.IsCorruption);
            return 0;
        }

        switch (result.Outcome)
        {
            case FeedOutcome.Budget:
                _isMoreToFeed = true;
                break;
            case FeedOutcome.ProducerFailed:
                OnProducerFailed(result.Log);
                break;
            case FeedOutcome.RecordFailed:
                TaskInput input = task.Inputs[result.Input];
                _logger.RecordFailed(task.Id.ToString(), input.Partition.ToString(), result.Offset, result.Reason!);
                task.Poison(result.Input, result.Offset, result.Reason!);
                TakeBack(result.Reason!);
                break;
            case FeedOutcome.Stopped when task.StopReason is null:
                // It stopped in the middle of a change: take that back first.
                _stopAfterAbort = (task, result.Reason!);
                TakeBack(result.Reason!);
                break;
            case FeedOutcome.Stopped:
                _lifecycle.TaskStopped(task.Id, task.StopReason!);
                break;
        }

        return result.Records;
    }

    // What was fed ahead is taken back when the transaction before it has come to its end.
    private void TakeBack(string reason)
    {
        if (State == WorkerState.Feeding)
            BeginAbort(reason, outsideCause: true);
        else
            _abortAhead = reason;
    }

    private void Doom(StreamTask task, string reason, bool isDamaged = false)
    {
        if (!_doomed.Exists(d => d.Task == task))
            _doomed.Add((task, reason, isDamaged));
    }

    private void RemoveDoomed()
    {
        foreach ((StreamTask task, string reason, bool isDamaged) in _doomed)
        {
            _lifecycle.TaskLost(task.Id, reason);
            Remove(task);
            task.Dispose();
            _lost.Enqueue(new TaskLost(task.Id, reason, isDamaged));
        }

        _doomed.Clear();
    }

    // Each store has its turn once in the interval, one after the other: all of them at once would keep the disk from
    // everything else for as long as all of them take.
    private void WriteStores()
    {
        for (int i = 0; i < _tasks.Count; i++)
            OrDoom(_tasks[i], static t => t.EndWriteStore());
        TimeSpan interval = _options.StoreBounds.WriteInterval;
        for (int turns = _tasks.Count; turns > 0 && _time.GetElapsedTime(_writeTurnAt) >= interval / _tasks.Count; turns--)
        {
            _writeTurnAt = turns == 1 ? _time.GetTimestamp() : _writeTurnAt + (long)(interval.TotalSeconds / _tasks.Count * _time.TimestampFrequency);
            _writeTurn = (_writeTurn + 1) % _tasks.Count;
            OrDoom(_tasks[_writeTurn], static t => t.BeginWriteStore());
        }
    }

    private void OrDoom(StreamTask task, Action<StreamTask> writes)
    {
        try
        {
            writes(task);
        }
        catch (StoreException e)
        {
            Doom(task, $"its store failed: {e.Message}", e.IsCorruption);
        }
    }

    // Only a task that waits for another input lets a queue grow: everything else is processed as it comes.
    private void BoundQueues()
    {
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            if (_slots[slot] is not var (task, input))
                continue;
            int waiting = task.Inputs[input].Queue.Count;
            bool isFull = _full.Contains(slot);
            if (!isFull && waiting > _options.Bounds.QueueRecordsMax)
            {
                _consumers.Remove(slot);
                task.Inputs[input].OnLeft();
                _full.Add(slot);
            }
            else if (isFull && waiting < _options.Bounds.QueueRecordsResume)
            {
                Read(task, input);
            }
        }
    }

    // The broker ends a transaction that is open for longer than its time-out; one that stays open is its fault.
    private void WatchInputs(long now)
    {
        if (now < _nextWatch)
            return;
        _nextWatch = now + (HeldLimit / 8);
        foreach (StreamTask task in _tasks)
        {
            foreach (TaskInput input in task.Inputs)
            {
                bool isHeld = input.IsHeldSince(now - HeldLimit);
                if (isHeld && !input.IsHeld)
                    _logger.InputHeld(task.Id.ToString(), input.Partition.ToString(), input.FetchPosition, input.KnownEnd.Offset);
                input.IsHeld = isHeld;
            }
        }
    }
}
