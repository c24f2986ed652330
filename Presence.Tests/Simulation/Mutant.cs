namespace Presence.Tests.Simulation;

/// <summary>A bug to be planted in the sources of Presence.Core: each text occurs once in its file and is replaced.</summary>
internal sealed record Mutant(string Name, params (string File, string Text, string Replacement)[] Changes)
{
    private const string Commit = "Runtime/StreamTask.Commit.cs";
    private const string Transaction = "Runtime/Worker.Transaction.cs";
    private const string WorkerFile = "Runtime/Worker.cs";
    private const string Takeover = "Runtime/Takeover.cs";
    private const string Store = "State/TaskStore.cs";
    private const string CommitCall = "if (!Answered(_producer.Commit(WorkerBounds.CallWait)))";

    /// <summary>All that the simulation must find.</summary>
    public static IReadOnlyList<Mutant> All { get; } =
    [
        new(
            "Changes reach the store before the commit",
            (Store, "    /// <summary>The transaction is aborted: drops its changes.</summary>", """
                public void WriteThrough()
                {
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
        new(
            "Ended incarnations are not fenced",
            ("Assignment/ControlLog.cs", "        while (_fencing.Count < FencedAtOnceMax && _toFence.TryDequeue(out string? id))\n            _fencing.Add(_log.CreateProducer(id));", "        _toFence.Clear();")),
        new(
            "Restore goes to the last stable offset only",
            (Takeover, "_admin.EndOffsets(all, IsolationLevel.ReadUncommitted, cancellation)", "_admin.EndOffsets(all, IsolationLevel.ReadCommitted, cancellation)")),
        new(
            "A commit that timed out is taken as done",
            (Transaction, CommitCall, "if (_producer.Commit(WorkerBounds.CallWait) is { Status: not LogStatus.TimedOut } verdict && !Answered(verdict))")),
        new(
            "A commit that timed out is taken as failed",
            (Transaction, CommitCall, "LogResult verdict = _producer.Commit(WorkerBounds.CallWait);\n                    if (!Answered(verdict.Status == LogStatus.TimedOut ? verdict with { Status = LogStatus.Abortable, OutsideCause = true } : verdict))")),
        new(
            "An abort loses timers",
            ("State/TimerQueue.cs", "        _horizon = [StoreKeys.TimerPrefix];\n        _storeExhausted = false;\n    }\n\n    private ReadOnlySpan", "    }\n\n    private ReadOnlySpan")),
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
            (Transaction, "            case LogStatus.Fatal:\n                Fail(result.Reason);\n                return false;", "            case LogStatus.Fatal:\n                if (State == WorkerState.Committing)\n                    OnCommitted(Now());\n                Fail(result.Reason);\n                return false;")),
        new(
            "Input goes on at the offset kept in the store",
            (Takeover, "        _restore = new StoreRestore(", "        _stored = new MetaRecord(_inputs.Count);\n        int storedLength = _store.TryGet(StoreKeys.Meta, ref buffer);\n        if (storedLength >= 0)\n            _stored.Read(buffer.AsSpan(0, storedLength));\n        _restore = new StoreRestore("),
            (Takeover, "    private bool _wipedForShape;", "    private bool _wipedForShape;\n    private MetaRecord _stored = null!;"),
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
                LogResult verdict = _producer.Commit(WorkerBounds.CallWait);
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
            "Outputs that a full queue held up go with the next transaction",
            (Commit, "        LogResult drained = _outbox.Drain(producer);\n        if (!drained.IsOk)\n            return drained;\n", "")),
        new(
            "A store that was away for longer than tombstones are kept is used",
            (Takeover, "        if (age > Request.DeleteRetention * UsableShare)", "        if (age > TimeSpan.FromDays(99))")),
        new(
            "A partition that waits too long is not paused",
            (WorkerFile, "            if (!paused && waiting > _options.Bounds.QueueRecordsMax)", "            if (!paused && waiting < 0)")),
        new(
            "An instance that lost its place while it fences others goes on",
            ("Runtime/Instance.cs", "        if (State != InstanceState.Fencing)\n            return;\n", "")),
    ];

    /// <inheritdoc/>
    public override string ToString() => Name;
}
