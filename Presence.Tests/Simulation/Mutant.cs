namespace Presence.Tests.Simulation;

/// <summary>A bug to be planted in the sources of Presence.Core: each text occurs once in its file and is replaced.</summary>
internal sealed record Mutant(string Name, params (string File, string Text, string Replacement)[] Changes)
{
    private const string Commit = "Runtime/StreamTask.Commit.cs";
    private const string Transaction = "Runtime/Worker.Transaction.cs";
    private const string WorkerFile = "Runtime/Worker.cs";
    private const string Feeding = "Runtime/Worker.Feed.cs";
    private const string Takeover = "Runtime/Takeover.cs";
    private const string Store = "State/TaskStore.cs";
    private const string Planner = "Assignment/Planner.cs";
    private const string Draft = "Assignment/PlanDraft.cs";
    private const string CommitCall = "if (!Answered(_producer.Commit(AnswerWait())))";

    /// <summary>All that the simulation must find.</summary>
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new(
            "Changes reach the store before the commit",
            (Store, "    /// <summary>The transaction is aborted: drops its changes, and those made since it was sealed.</summary>", """
                public void WriteThrough()
                {
                    EndWrite(wait: true);
                    _store.BeginBatch();
                    for (int i = 0; i < _dirty.Count; i++)
                    {
                        if (_dirty.IsDeletedAt(i))
                            _store.Delete(_dirty.KeyAt(i));
                        else
                            _store.Put(_dirty.KeyAt(i), _dirty.ValueAt(i));
                    }

                    try
                    {
                        _store.WriteBatch();
                    }
                    catch (StoreException)
                    {
                    }
                }

                // Planted above.
            """),
            (Commit, "        _current.Write(_metaBytes);", "        _store.WriteThrough();\n        _current.Write(_metaBytes);")),
        new("The changelog offset is not in the write batch", (Store, "        _store.Put(StoreKeys.Local, _local);\n", "")),
        new("A store found to be damaged while its task runs is opened again as it is", ("Runtime/Instance.Plan.cs", "Damage = lost.IsDamaged ? lost.Reason : null", "Damage = null")),
        new("A replica drops timers that have not fired", ("State/StoreRestore.cs", "(_firedTo, _clock) = (_clock, clock);", "(_firedTo, _clock) = (clock + 3_600_000, clock);")),
        new("An abort drops what is committed and waits for the disk", (Store, "        _lastLength = 0;\n        _timers.Reset();", "        _lastLength = 0;\n        _unwritten.Clear();\n        _timers.Reset();")),
        new("Timers are loaded from a disk that lacks what waits for it", (Store, "            Write();\n            _timers.Load();", "            _timers.Load();")),
        new("Timers are loaded from a disk that is being written", (Store, "            Write();\n            _timers.Load();", "            BeginWrite();\n            _timers.Load();")),
        new("A replay that was interrupted after a file goes on one record too far", ("State/StoreRestore.cs", "LocalRecord.Update(_local, Position,", "LocalRecord.Update(_local, _filledBytes >= _fileBytesMin ? Position + 1 : Position,")),
        new("What is on its way to the disk is not read", (Store, "(_isWriting && _writing.TryGet", "(_isWriting && _writing.Count < 0 && _writing.TryGet")),
        new("What was deleted while it waited for the disk stays there", (Store, "                if (!_unwritten.IsNewAt(i))", "                if (_unwritten.Count < 0)")),
        new(
            "Ended incarnations are not fenced",
            ("Assignment/FencingRound.cs", "        _left[incarnation.Id] = incarnation.Workers;\n        for (int worker = 0; worker < incarnation.Workers; worker++)\n            _waiting.Enqueue((incarnation.Id, incarnation.TransactionalId(application, worker)));", "        _left[incarnation.Id] = 0;")),
        new(
            "Restore goes to the last stable offset only",
            (Takeover, "_admin.EndOffsets(asked, IsolationLevel.ReadUncommitted, cancellation)", "_admin.EndOffsets(asked, IsolationLevel.ReadCommitted, cancellation)")),
        new(
            "A commit that timed out is taken as done",
            (Transaction, CommitCall, "if (_producer.Commit(AnswerWait()) is { Status: not LogStatus.TimedOut } verdict && !Answered(verdict))")),
        new(
            "A commit that timed out is taken as failed",
            (Transaction, CommitCall, "LogResult verdict = _producer.Commit(AnswerWait());\n                    if (!Answered(verdict.Status == LogStatus.TimedOut ? verdict with { Status = LogStatus.Abortable, OutsideCause = true } : verdict))")),
        new(
            "An abort loses timers",
            ("State/TimerQueue.cs", "        _horizon = [StoreKeys.TimerPrefix];\n        _hasAll = false;\n    }", "    }")),
        new(
            "Positions are committed outside the transaction",
            ("Log/Simulated/SimulatedCluster.Transactions.cs", "            c.Offsets.Add((group, partition, offset));", "            CommitOffset(group, partition, offset);")),
        new(
            "A worker goes on after a fatal error",
            (Transaction, "        _failure = reason ?? \"the producer failed without a reason\";\n        State = WorkerState.Failed;\n        _logger.WorkerFailed(Index, _failure);", "        _logger.WorkerFailed(Index, reason ?? \"\");\n        OnAborted();")),
        new(
            "The last record's offset is taken for the end of a changelog",
            (Takeover, "if (_restore!.Position < Target && _endPosition < Target)", "if (_restore!.Position < Target)")),
        new(
            "A zombie applies what it could not commit",
            (Transaction, "            case LogStatus.Fatal:\n                Fail(result.Reason);\n                return false;", "            case LogStatus.Fatal:\n                if (State == WorkerState.Committing)\n                {\n                    OnCommitted(Now());\n                    foreach (StreamTask task in _batch)\n                        task.BeginWriteStore();\n                }\n\n                Fail(result.Reason);\n                return false;")),
        new(
            "Input goes on at the offset kept in the store",
            (Takeover, "        _restore = new StoreRestore(", "        _stored = new MetaRecord(_inputs.Count);\n        int storedLength = _store.TryGet(StoreKeys.Meta, ref buffer);\n        if (storedLength >= 0)\n            _stored.Read(buffer.AsSpan(0, storedLength));\n        _restore = new StoreRestore("),
            (Takeover, "    private int _refusals;", "    private int _refusals;\n    private MetaRecord _stored = null!;"),
            (Takeover, "long position = _positions!.Result", "long position = _stored.NextOffsets[i] >= 0 ? _stored.NextOffsets[i]\n                : _positions!.Result")),
        new("Stream time is not in the changelog", (Commit, "_current.StreamTimes[i] = Inputs[i].StreamTime;", "_current.StreamTimes[i] = long.MinValue;")),
        new(
            "A producer is made anew after a time-out",
            (WorkerFile, "private readonly ITransactionalProducer _producer;", "private ITransactionalProducer _producer;\n    private readonly ILog _log;\n    private int _timeouts;\n    private bool _renewing;"),
            (WorkerFile, "        _producer = log.CreateProducer(transactionalId);", "        _log = log;\n        _producer = log.CreateProducer(transactionalId);"),
            (Transaction, "    private void StepTransaction(long now)\n    {\n", """
                private void StepTransaction(long now)
                {
                    if (_renewing)
                    {
                        if (!_producer.Init(WorkerBounds.CallWait).IsOk)
                            return;
                        _renewing = false;
                        OnAborted();
                        return;
                    }

            """),
            (Transaction, CommitCall, """
                LogResult verdict = _producer.Commit(AnswerWait());
                                _timeouts = verdict.Status == LogStatus.TimedOut ? _timeouts + 1 : 0;
                                if (_timeouts > 20)
                                {
                                    _producer.Dispose();
                                    _producer = _log.CreateProducer(TransactionalId);
                                    _timeouts = 0;
                                    _renewing = true;
                                    return;
                                }

                                if (!Answered(verdict))
            """)),
        new(
            "A search for a culprit begins with its records",
            (Transaction, "                _mode = FeedMode.OneTask;\n                _suspect = 0;\n                return null;", "                _mode = FeedMode.OneRecord;\n                _searchLeft = _options.Bounds.FeedMax;\n                _suspect = 0;\n                return null;")),
        new("A changelog to which access is denied for a while stops its task", (Takeover, "case LogFault.Unreachable or LogFault.Unauthorized:\n                Reason", "case LogFault.Unreachable:\n                Reason")),
        new(
            "What is fed while a transaction is on its way goes into that one",
            (Feeding, "left -= Feed(_tasks[_aheadTurn], left, now, producer: null);", "left -= Feed(_tasks[_aheadTurn], left, now, _producer);")),
        new("An abort keeps what was fed while the transaction was on its way", (Store, "        _dirty.Clear();\n        _dirtyPast.Clear();\n        _dirtyFresh.Clear();\n        _sealed.Clear();", "        _sealed.Clear();")),
        new("A commit takes what was fed since it was sealed for committed", (Commit, "        _committed.CopyFrom(_current);", "        for (int i = 0; i < Inputs.Length; i++)\n            _current.NextOffsets[i] = Inputs[i].NextOffset;\n        _committed.CopyFrom(_current);")),
        new("State that is on its way is not seen by what comes next", (Store, "(_sealed.Count > 0 && _sealed.TryGet(stateKey, hash, out value, out deleted))", "(_sealed.Count < 0 && _sealed.TryGet(stateKey, hash, out value, out deleted))")),
        new("Timers on their way are not loaded again", (Store, "            AddTimersOf(_sealed, over: _dirty);\n", "")),
        new(
            "Outputs that a full queue held up go with the next transaction",
            (Commit, "        LogResult drained = _outbox.Drain(producer);\n        if (!drained.IsOk)\n            return drained;\n", "")),
        new(
            "A store that was away for longer than tombstones are kept is used",
            (Takeover, "        if (age > Request.DeleteRetention * UsableShare)", "        if (age > TimeSpan.FromDays(99))")),
        new(
            "A partition whose queue is full is read on",
            (Feeding, "            if (!isFull && waiting > _options.Bounds.QueueRecordsMax)", "            if (!isFull && waiting < 0)")),
        new("A planner writes after it was deposed", (Planner, "log.CreateProducer($\"{options.ApplicationId}-planner\")", "log.CreateProducer($\"{options.ApplicationId}-planner-{own}\")")),
        new("A planner plans from what it read before it took the lock", (Planner, "                if (_reader.Position < _end.Result[_partition])\n                    break;\n", "")),
        new("A planner plans before its last plan has come back", (Planner, "                if (_reader.Position < _readBack)\n                {\n                    Waiting = \"its last plan to come back\";\n                    break;\n                }\n\n", "")),
        new(
            "A plan is followed before all of it was read",
            ("Assignment/ControlReader.cs", "        if (record.HasKey)\n            State.Apply(record.Key, record.Value, record.HasValue);", """
                    if (!record.HasKey)
                        return;
                    byte[] key = record.Key.ToArray(), value = record.Value.ToArray();
                    bool hasValue = record.HasValue;
                    if (System.Text.Encoding.UTF8.GetString(key).StartsWith("share/", StringComparison.Ordinal))
                        _later.Enqueue(() => State.Apply(key, value, hasValue));
                    else
                        State.Apply(key, value, hasValue);
            """),
            ("Assignment/ControlReader.cs", "        _consumer.Poll(this, 10_000, wait);", "        while (_later.TryDequeue(out Action? late))\n            late();\n        _consumer.Poll(this, 10_000, wait);"),
            ("Assignment/ControlReader.cs", "    private ILogConsumer? _consumer;", "    private readonly Queue<Action> _later = new();\n    private ILogConsumer? _consumer;"),
            ("Assignment/ControlState.cs", " && share.Number > PlanNumber)", ")")),
        new(
            "Plans are applied out of order",
            ("Assignment/ControlReader.cs", "        if (record.HasKey)\n            State.Apply(record.Key, record.Value, record.HasValue);", """
                    if (!record.HasKey)
                        return;
                    byte[] key = record.Key.ToArray(), value = record.Value.ToArray();
                    bool hasValue = record.HasValue;
                    if (_isNext)
                        _plans.Push([]);
                    _plans.Peek().Add(() => State.Apply(key, value, hasValue));
                    _isNext = System.Text.Encoding.UTF8.GetString(key) == PlannerBeat.KeyText;
            """),
            ("Assignment/ControlReader.cs", "        _consumer.Poll(this, 10_000, wait);", """
                    _consumer.Poll(this, 10_000, wait);
                    while (_plans.TryPop(out List<Action>? plan))
                        plan.ForEach(apply => apply());
                    _isNext = true;
            """),
            ("Assignment/ControlReader.cs", "    private ILogConsumer? _consumer;", "    private readonly Stack<List<Action>> _plans = new();\n    private bool _isNext = true;\n    private ILogConsumer? _consumer;")),
        new("A release that was announced before the task was given counts", (Draft, "said.AppliedPlan >= share.Number && ", "")),
        new("A running task is given away before it is released", (Draft, " && view.Of(share.Incarnation) is { } said && said.AppliedPlan >= share.Number && !said.Holds(entry.Task);", ";")),
        new("Tasks are given away before their holder is fenced", (Draft, "                case IncarnationState.Condemned:\n                    yield return entry.Task;\n                    break;\n", "")),
        new("What is stuck is not fenced", (Draft, "if (said?.State == MemberState.Ended)", "if (said?.State is MemberState.Ended or MemberState.Stuck)")),
        new("A task goes to a copy that is not caught up", ("Assignment/AssignorTable.cs", "offset >= task.Furthest - _acceptableLag", "offset >= 0")),
        new("The last copy of a state is deleted", (Draft, "            if (placement.Role == ReplicaRole.Active && state == CopyState.Running)", "            if (placement.Role is ReplicaRole.Active or ReplicaRole.Releasing || state is null)"), (Draft, "ready.GetValueOrDefault(task) > 0", "ready.GetValueOrDefault(task) >= 0"), (Draft, "now - obsoleteSince[(incarnation, task)] >= options.ObsoleteAfter.TotalMilliseconds", "now >= obsoleteSince[(incarnation, task)]")),
        new("Silence is measured across a gap in the own beats", ("Assignment/FleetView.cs", "_ownSince == long.MaxValue || record.Timestamp - _ownAt > _timeout.TotalMilliseconds / 2", "_ownSince == long.MaxValue")),
        new("A task is released with changes that are not committed", (WorkerFile, "            if (task.IsDirty)\n            {\n                // A search", "            if (task.IsDirty && _releasing.Count < 0)\n            {\n                // A search")),
        new("A task is said to be released before its transaction is known to be committed", (WorkerFile, "                BeginCommit(now);\n                return State == WorkerState.Feeding;", "                _released.Enqueue((id, task.ChangelogOffset));\n                BeginCommit(now);\n                return State == WorkerState.Feeding;")),
        new(
            "An instance says that it has ended before its workers have",
            ("Runtime/Instance.cs", "        if (_workers.Any(IsWaitedFor))\n            return;\n", ""),
            ("Runtime/Instance.cs", "_hasTasks && _workers.All(w => w.State == WorkerState.Closed)", "_hasTasks")),
        new("A store that is being opened is left behind with its task", ("Runtime/Takeover.cs", "        _opening?.Dispose();\n        if (Result is null)", "        if (Result is null)")),
    ];

    /// <inheritdoc/>
    public override string ToString() => Name;
}
