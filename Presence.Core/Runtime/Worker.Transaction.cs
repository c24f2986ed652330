using Presence.Core.Log;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>The transaction of a worker, one answer at a time.</summary>
public sealed partial class Worker
{
    private readonly List<StreamTask> _batch = [];
    private readonly List<GroupOffsets> _groups = [];

    // By service. Their lists are used again with each transaction.
    private readonly Dictionary<string, GroupOffsets> _knownGroups = [];
    private bool _open;
    private int _cursor;
    private long _commitBegan;
    private int _abortsInARow;
    private FeedMode _mode;
    private int _suspect;
    private string _abortReason = "";
    private bool _abortOutside;
    private (StreamTask Task, string Reason)? _stopAfterAbort;
    private int _searchLeft;
    private long _unansweredSince;
    private long _nextUnansweredLog;
    private string? _unanswered;
    private const int UnansweredLogInterval = 5_000;

    private bool TryBegin()
    {
        LogResult begun = _producer.Begin();
        if (begun.IsOk)
            _open = true;
        else
            OnProducerFailed(begun);
        return begun.IsOk;
    }

    private void BeginCommit(long now)
    {
        if (!_open && !TryBegin())
            return;
        _commitBegan = _time.GetTimestamp();
        _batch.Clear();
        foreach (StreamTask task in _tasks)
        {
            if (task.IsDirty && (_mode == FeedMode.All || _tasks.IndexOf(task) == _suspect))
                _batch.Add(task);
        }

        _groups.Clear();
        foreach (StreamTask task in _batch)
        {
            if (!_knownGroups.TryGetValue(task.Service, out GroupOffsets group))
                _knownGroups.Add(task.Service, group = new GroupOffsets(_options.GroupOf(task.Service), []));
            if (!_groups.Contains(group))
            {
                group.Offsets.Clear();
                _groups.Add(group);
            }

            task.CollectOffsets(group.Offsets);
        }

        _groups.RemoveAll(g => g.Offsets.Count == 0);
        _cursor = 0;
        State = WorkerState.Changelog;
        StepTransaction(now);
    }

    /// <summary>Goes on with the transaction until it is done or a call is unanswered.</summary>
    private void StepTransaction(long now)
    {
        while (!HasStoodStill())
        {
            switch (State)
            {
                case WorkerState.Changelog when _cursor < _batch.Count:
                    if (!Answered(_batch[_cursor].ProduceChangelog(_producer, now)))
                        return;
                    _cursor++;
                    break;
                case WorkerState.Changelog:
                    State = WorkerState.Offsets;
                    break;
                case WorkerState.Offsets:
                    if (_groups.Count > 0 && !Answered(_producer.SendOffsets(_groups, AnswerWait())))
                        return;
                    State = WorkerState.Committing;
                    break;
                case WorkerState.Committing:
                    if (!Answered(_producer.Commit(AnswerWait())))
                        return;
                    OnCommitted(now);
                    return;
                case WorkerState.Aborting:
                    StepAbort();
                    return;
                default:
                    return;
            }
        }
    }

    // With something else to do none; with nothing to do at present so short that what comes is not left waiting.
    private TimeSpan AnswerWait() => !MayFeedAhead() ? WorkerBounds.CallWait : _fedLast > 0 ? TimeSpan.Zero : WorkerBounds.AheadWait;

    /// <summary>True for Ok. TimedOut and QueueFull are no verdict: the same call is repeated in the next step.</summary>
    private bool Answered(LogResult result)
    {
        switch (result.Status)
        {
            case LogStatus.Ok:
                _unansweredSince = 0;
                return true;
            case LogStatus.TimedOut or LogStatus.QueueFull:
                NoteUnanswered(result.Reason);
                return false;
            case LogStatus.Fatal:
                Fail(result.Reason);
                return false;
            default:
                BeginAbort(result.Reason ?? result.Status.ToString(), result.OutsideCause);
                return false;
        }
    }

    // Waiting is visible: on every task of the worker, and in the log from time to time.
    private void NoteUnanswered(string? reason)
    {
        long now = Now();
        if (_unansweredSince == 0)
        {
            _unansweredSince = now;
            _nextUnansweredLog = now + UnansweredLogInterval;
        }

        _unanswered = reason;
        if (now < _nextUnansweredLog)
            return;
        _nextUnansweredLog = now + UnansweredLogInterval;
        _logger.CallUnanswered(Index, State.ToString(), (now - _unansweredSince) / 1000, reason ?? "no answer");
    }

    private void OnProducerFailed(LogResult result)
    {
        if (result.Status == LogStatus.Fatal)
            Fail(result.Reason);
        else
            BeginAbort(result.Reason ?? result.Status.ToString(), result.OutsideCause);
    }

    private void OnCommitted(long now)
    {
        _open = false;
        _commitTook = _time.GetElapsedTime(_commitBegan);
        _metrics.Committed(_commitTook);
        foreach (StreamTask task in _batch)
        {
            try
            {
                long offset = _producer.TrackedOffset(task.Changelog)
                    ?? throw new StoreException($"the log did not say at which offset the meta record of {task.Id} lies", isCorruption: false);
                task.Apply(offset, now);
            }
            catch (StoreException e)
            {
                // It is committed, but the store lacks it: takeover replays it from the changelog.
                Doom(task, $"its store could not take a committed batch: {e.Message}", e.IsCorruption);
            }
        }

        RemoveDoomed();
        _lastCommit = _time.GetTimestamp();
        _abortsInARow = 0;
        State = WorkerState.Feeding;
        NextMode();
        if (_abortAhead is { } reason)
            BeginAbort(reason, outsideCause: true);
    }

    private void NextMode()
    {
        switch (_mode)
        {
            case FeedMode.OneTask when ++_suspect >= _tasks.Count:
                _mode = FeedMode.All;
                break;
            case FeedMode.OneRecord when _searchLeft-- <= 0:
                _mode = FeedMode.All;
                break;
        }
    }

    // A suspect with nothing to do is none; neither is one that cannot go on, once what it has sent is committed: with
    // anyone else's transaction it would be there without its positions.
    private void PassIdleSuspect()
    {
        if (_mode == FeedMode.All || State != WorkerState.Feeding)
            return;
        if (_suspect >= _tasks.Count)
        {
            _mode = FeedMode.All;
            return;
        }

        StreamTask task = _tasks[_suspect];
        if (task.IsDirty || (task.StopReason is null && !task.IsHeldUp && (task.HasWork || !task.IsAtEnd)))
            return;
        if (_mode == FeedMode.OneRecord)
            _mode = FeedMode.All;
        else
            NextMode();
    }

    private void BeginAbort(string reason, bool outsideCause)
    {
        _logger.TransactionAborting(Index, reason);
        _abortReason = reason;
        _abortOutside = outsideCause;
        if (!_open)
        {
            OnAborted();
            return;
        }

        State = WorkerState.Aborting;
        StepAbort();
    }

    private void StepAbort()
    {
        LogResult result = _producer.Abort(WorkerBounds.CallWait);
        switch (result.Status)
        {
            case LogStatus.Ok:
                OnAborted();
                break;
            case LogStatus.Fatal:
                Fail(result.Reason);
                break;
            default:
                // No verdict: the same call again in the next step.
                NoteUnanswered(result.Reason);
                break;
        }
    }

    private void OnAborted()
    {
        _unansweredSince = 0;
        _open = false;
        _abortAhead = null;
        _metrics.Aborted();
        (TaskId Id, int Input, long Offset)? culprit = _abortOutside ? null : Narrow();
        foreach (StreamTask task in _tasks)
        {
            task.Rewind();
            for (int i = 0; i < task.Inputs.Length; i++)
                Read(task, i);
        }

        _faults.Clear();
        if (culprit is var (id, input, offset))
        {
            StreamTask task = _tasks.Find(t => t.Id == id)!;
            _logger.RecordFailed(id.ToString(), task.Inputs[input].Partition.ToString(), offset, _abortReason);
            task.Poison(input, offset, _abortReason);
            if (task.StopReason is { } stopped)
                _lifecycle.TaskStopped(id, stopped);
        }

        if (_stopAfterAbort is var (stopping, reason))
        {
            stopping.Stop(reason);
            _lifecycle.TaskStopped(stopping.Id, reason);
            _stopAfterAbort = null;
        }

        RemoveDoomed();
        State = WorkerState.Feeding;
    }

    /// <summary>
    /// An abort that the records themselves seem to have caused: narrows the next transactions down. Returns the record
    /// that stood alone in this one.
    /// </summary>
    private (TaskId Id, int Input, long Offset)? Narrow()
    {
        switch (_mode)
        {
            case FeedMode.All when ++_abortsInARow >= WorkerBounds.AbortsBeforeSearch:
                _mode = FeedMode.OneTask;
                _suspect = 0;
                return null;
            case FeedMode.OneTask when _suspect < _tasks.Count:
                _mode = FeedMode.OneRecord;
                _searchLeft = _options.Bounds.FeedMax;
                return null;
            case FeedMode.OneRecord when _suspect < _tasks.Count:
                StreamTask task = _tasks[_suspect];
                for (int i = 0; i < task.Inputs.Length; i++)
                {
                    if (task.LastFedOffset(i) is long offset and >= 0)
                    {
                        _mode = FeedMode.All;
                        _abortsInARow = 0;
                        return (task.Id, i, offset);
                    }
                }

                // Nothing but a timer was in it.
                _stopAfterAbort = (task, $"a timer's changes cannot be committed: {_abortReason}");
                _mode = FeedMode.All;
                _abortsInARow = 0;
                return null;
            default:
                return null;
        }
    }

    private void Fail(string? reason)
    {
        _failure = reason ?? "the producer failed without a reason";
        State = WorkerState.Failed;
        _logger.WorkerFailed(Index, _failure);
    }
}
