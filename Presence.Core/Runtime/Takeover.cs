using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>
/// Brings one task to the point where it can run: positions, then ends, then the store, then the changelog's tail, in
/// this order (see <see cref="TakeoverState"/>); or keeps a copy of its state up with the changelog until it is to run.
/// Stepped by the <see cref="Restorer"/>.
/// </summary>
public sealed class Takeover : IDisposable
{
    private const double UsableShare = 0.9;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FlushInterval = TimeSpan.FromMilliseconds(200);
    private const int DropsMax = 10_000;

    // In a row: a copy may be too old, and what is rebuilt be damaged once. A disk that damages all it is given needs somebody.
    private const int RefusalsMax = 3;

    private readonly string _group;
    private readonly ILogAdmin _admin;
    private readonly IStateStoreProvider _stores;
    private readonly TimeProvider _time;
    private readonly RuntimeMetrics _metrics;
    private readonly Lifecycle _lifecycle;
    private readonly ILogger _logger;
    private readonly List<TopicPartition> _inputs = [];
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _positions;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _starts;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _ends;
    private IStoreOpening? _opening;
    private long _diskSince;
    private long _endReachedAt;
    private bool _hasTriedToOpen;
    private IStateStore? _store;
    private StoreRestore? _restore;
    private long _notBefore;
    private long _began;
    private long _flushedAt;
    private long _flushed;
    private int _refusals;

    /// <summary>For one task; nothing happens before the first step.</summary>
    public Takeover(TakeoverRequest request, TakeoverGoal goal, string group, ILogAdmin admin, IStateStoreProvider stores, TimeProvider time, RuntimeMetrics metrics, Lifecycle lifecycle, ILogger logger)
    {
        Request = request;
        Goal = goal;
        State = First;
        _group = group;
        _admin = admin;
        _stores = stores;
        _time = time;
        _metrics = metrics;
        _lifecycle = lifecycle;
        _logger = logger;
        foreach (string topic in request.Definition.Inputs)
            _inputs.Add(new TopicPartition(topic, request.Task.Partition));
        _began = time.GetTimestamp();
    }

    public TakeoverRequest Request { get; private set; }

    public TakeoverGoal Goal { get; private set; }

    /// <summary>For how long its store has been being opened, or the last of a replay been being written, when it was last asked; zero while neither is.</summary>
    public TimeSpan DiskWaited { get; private set; }

    /// <summary>Whether the changelog is to be read from <see cref="Position"/> on.</summary>
    public bool IsReading => _restore is not null && Goal != TakeoverGoal.Look && State is not (TakeoverState.Completing or TakeoverState.Done or TakeoverState.Stopped);

    /// <summary>
    /// Whether it has all of the changelog that could be read: what lay in a transaction that was open when the end was
    /// last reached is asked for with the next one, or a copy under load would be current at some moments only.
    /// </summary>
    public bool IsCurrent => State == TakeoverState.Following && _endPosition >= _expected;

    /// <summary>
    /// Whether the fleet should wait to hear how far this copy is. One that cannot be opened, or whose changelog cannot be
    /// asked, must not keep all others waiting: it is looked at for as long as that takes, and said when it is known. While
    /// it is opened for the first time it is waited for: with hundreds its turn comes late, and a disk that does not answer
    /// is for whoever watches.
    /// </summary>
    public bool IsLooking =>
        Goal == TakeoverGoal.Look
        && State is not (TakeoverState.Following or TakeoverState.Nothing or TakeoverState.Stopped)
        && ((_opening is not null && !_hasTriedToOpen) || _time.GetElapsedTime(_began) < LookLimit);

    // Who is only to follow needs no input positions.
    private TakeoverState First => Goal == TakeoverGoal.Run ? TakeoverState.Positions : TakeoverState.Ends;

    /// <summary>Follows from now on; of a copy that was only looked at.</summary>
    public void Follow(TakeoverRequest request)
    {
        Request = request;
        Goal = TakeoverGoal.Follow;
        // Else it is told when it does.
        if (State == TakeoverState.Following)
            _lifecycle.TaskFollows(request.Task);
    }

    /// <summary>The copy that follows is to run: what it has is not read again.</summary>
    public void Run(TakeoverRequest request)
    {
        Request = request;
        Goal = TakeoverGoal.Run;
        _began = _time.GetTimestamp();
        _notBefore = 0;
        Again();
    }

    public TakeoverState State { get; private set; }

    /// <summary>What it waits for or was stopped by; null when it goes on.</summary>
    public string? Reason { get; private set; }

    /// <summary>Changelog records replayed.</summary>
    public long Records => _restore?.Records ?? 0;

    /// <summary>Next changelog offset to replay; -1 while nothing is open.</summary>
    public long Position => _restore?.Position ?? -1;

    /// <summary>The changelog's end at takeover, open transactions included.</summary>
    public long Target { get; private set; }

    /// <summary>Records still to replay (offsets, so an upper bound).</summary>
    public long Remaining => State == TakeoverState.Done || _restore is null ? 0 : Math.Max(0, Target - _restore.Position);

    /// <summary>Bytes of changelog records that it has not written.</summary>
    public int BatchBytes => _restore?.BatchBytes ?? 0;

    /// <summary>The changelog offset that its copy on the disk is at; -1 while nothing is open.</summary>
    public long Written => _restore?.Local.ChangelogOffset ?? -1;

    /// <summary>The restored task, once it is done.</summary>
    public StreamTask? Result { get; private set; }

    /// <summary>Goes on as far as it can without waiting.</summary>
    public void Step(CancellationToken cancellation)
    {
        if (_time.GetTimestamp() < _notBefore)
            return;
        try
        {
            while (State switch
            {
                TakeoverState.Positions => AskPositions(cancellation),
                TakeoverState.Ends => AskEnds(cancellation),
                TakeoverState.Opening => Open(),
                TakeoverState.Replaying => Complete(),
                TakeoverState.Completing => Finish(),
                TakeoverState.Following => Keep(),
                _ => false,
            })
            {
            }
        }
        catch (LogException e)
        {
            Retry($"the log does not answer: {e.Message}");
        }
        catch (StoreException e)
        {
            Failed("used", e);
        }
    }

    /// <summary>Bytes of changelog records that it may hold before it writes them.</summary>
    public void LimitBatch(int bytes)
    {
        try
        {
            // The last of it is on its way, and no more comes.
            if (State != TakeoverState.Completing)
                _restore?.LimitBatch(bytes);
        }
        catch (StoreException e)
        {
            Failed("written", e);
        }
    }

    /// <summary>A changelog record.</summary>
    public void OnRecord(in LogRecord record)
    {
        if (!IsReading || record.Offset < _restore!.Position)
            return;
        try
        {
            _restore.Apply(record.Offset, record.Key, record.Value, record.HasValue);
        }
        catch (StoreException e)
        {
            Failed("written", e);
        }
    }

    private void Failed(string what, StoreException e)
    {
        if (e.IsCorruption)
            Refuse(e.Message);
        else
            Retry($"the store cannot be {what}: {e.Message}");
    }

    /// <summary>Everything readable of the changelog has come; its end lies at <paramref name="highWatermark"/>.</summary>
    public void OnEnd(long position, long highWatermark)
    {
        _endPosition = Math.Max(_endPosition, position);
        if (Goal == TakeoverGoal.Follow)
        {
            _expected = Target;
            Target = Math.Max(Target, highWatermark);
            Reason = null;
        }
    }

    private long _endPosition;
    private long _expected;

    /// <summary>The changelog cannot be read on.</summary>
    public void OnFault(LogFault fault, long offset, string detail)
    {
        // What comes behind the fault that it waits for an operator with says no more.
        if (!IsReading)
            return;
        switch (fault)
        {
            // Access that is denied is granted again, for instance while ACLs are replaced: the client asks each second.
            case LogFault.Unreachable or LogFault.Unauthorized:
                Reason = $"{Request.Topics.Changelog} cannot be read now: {detail}";
                break;
            case LogFault.OffsetBelowStart or LogFault.OffsetBeyondEnd:
                Refuse($"the changelog does not have offset {offset}: {detail}");
                break;
            default:
                StopFor($"{Request.Topics.Changelog} cannot be read at offset {offset} ({fault}): {detail}. Nothing is skipped in a changelog: restore the topic, or reset the task");
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _opening?.Dispose();
        if (Result is null)
            _store?.Dispose();
    }

    private bool AskPositions(CancellationToken cancellation)
    {
        _positions ??= _admin.CommittedOffsets(_group, _inputs, cancellation);
        if (!IsAnswered(_positions))
            return false;
        State = TakeoverState.Ends;
        return true;
    }

    private bool AskEnds(CancellationToken cancellation)
    {
        // Who does not run it must not wait for its inputs.
        IReadOnlyCollection<TopicPartition> asked = Goal == TakeoverGoal.Run ? [.. _inputs, Request.Topics.Changelog] : [Request.Topics.Changelog];
        _starts ??= _admin.StartOffsets(asked, cancellation);
        _ends ??= _admin.EndOffsets(asked, IsolationLevel.ReadUncommitted, cancellation);
        if (!IsAnswered(_starts) || !IsAnswered(_ends))
            return false;
        Target = _ends.Result[Request.Topics.Changelog];
        if (_restore is null)
            State = TakeoverState.Opening;
        else
            Replay();
        return true;
    }

    private void Replay()
    {
        State = Goal == TakeoverGoal.Run ? TakeoverState.Replaying : TakeoverState.Following;
        Reason = null;
        if (Goal == TakeoverGoal.Run)
            _lifecycle.TaskRestoring(Request.Task, _restore!.Position, Target);
        else if (Goal == TakeoverGoal.Follow)
            _lifecycle.TaskFollows(Request.Task);
    }

    // A question without an answer yet is no verdict; one that failed is asked anew after a pause.
    private static bool IsAnswered(Task<IReadOnlyDictionary<TopicPartition, long>> question)
    {
        if (!question.IsCompleted)
            return false;
        if (question.IsCompletedSuccessfully)
            return true;
        Exception cause = question.Exception?.InnerException ?? new OperationCanceledException();
        throw cause as LogException ?? new LogException(cause.Message, cause);
    }

    private bool Open()
    {
        string name = Request.Task.ToString();
        if (Goal == TakeoverGoal.Look && _opening is null && !_stores.Existing().Contains(name))
        {
            State = TakeoverState.Nothing;
            return false;
        }

        if (Request.Damage is { } damage)
        {
            Refuse(damage);
            return false;
        }

        _opening ??= _stores.BeginOpen(name);
        _store = TakeOpened();
        if (_store is null)
            return false;
        long start = _starts!.Result[Request.Topics.Changelog];
        long now = Now();
        byte[] buffer = new byte[256];
        int length = _store.TryGet(StoreKeys.Local, ref buffer);
        LocalRecord local;
        if (length < 0)
        {
            local = new LocalRecord(start, now, Request.ChangelogTopicId);
        }
        else
        {
            local = LocalRecord.Read(buffer.AsSpan(0, length));
            string? refusal = Judge(local, start, now);
            if (refusal is not null)
            {
                Refuse(refusal);
                return false;
            }
        }

        _restore = new StoreRestore(_store, Request.Definition, local, Request.Bounds);
        _endPosition = 0;
        _expected = Target;
        _flushed = local.ChangelogOffset;
        Replay();
        return true;
    }

    private IStateStore? TakeOpened()
    {
        bool isOpening = false;
        try
        {
            IStateStore? store = _opening!.TryTake();
            isOpening = store is null;
            return store;
        }
        finally
        {
            if (isOpening)
                NoteDisk(_opening!.HasBegun);
            else
                EndOpening();
        }
    }

    // It is open, or cannot be opened.
    private void EndOpening()
    {
        _opening = null;
        EndDiskWait();
        if (Goal == TakeoverGoal.Look && !_hasTriedToOpen)
            _began = _time.GetTimestamp();
        _hasTriedToOpen = true;
    }

    private void NoteDisk(bool hasBegun)
    {
        if (!hasBegun)
            return;
        if (_diskSince == 0)
            _diskSince = _time.GetTimestamp();
        DiskWaited = _time.GetElapsedTime(_diskSince);
    }

    private void EndDiskWait()
    {
        _diskSince = 0;
        DiskWaited = TimeSpan.Zero;
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private string? Judge(LocalRecord local, long start, long now)
    {
        if (local.TopicId != Request.ChangelogTopicId)
            return $"its changelog topic was deleted and made again (id {local.TopicId}, now {Request.ChangelogTopicId})";
        if (local.ChangelogOffset < start)
            return $"its changelog offset {local.ChangelogOffset} lies before the log's start {start}";
        if (local.ChangelogOffset > Target)
            return $"its changelog offset {local.ChangelogOffset} lies beyond the log's end {Target}";
        // The tail must be read before the tombstones in it go, and clocks differ.
        TimeSpan age = TimeSpan.FromMilliseconds(now - local.CurrentAt);
        if (age > Request.DeleteRetention * UsableShare)
            return $"it was last at its changelog's end {age:c} ago, longer than the changelog keeps tombstones ({Request.DeleteRetention:c})";
        return null;
    }

    // A follower's changes reach the disk from time to time, with how far it is.
    private bool Keep()
    {
        if (Goal == TakeoverGoal.Look || _endPosition < _restore!.Position || _endPosition <= _flushed || _time.GetElapsedTime(_flushedAt) < FlushInterval)
            return false;
        _flushedAt = _time.GetTimestamp();
        _restore.Complete(_endPosition, Now());
        _restore.DropFired(DropsMax);
        _flushed = _endPosition;
        _refusals = 0;
        return false;
    }

    private bool Complete()
    {
        if (_restore!.Position < Target && _endPosition < Target)
            return false;
        State = TakeoverState.Completing;
        _endReachedAt = Now();
        return true;
    }

    private bool Finish()
    {
        bool wasCompleting = _restore!.IsCompleting;
        if (!_restore.TryComplete(Math.Max(_endPosition, _restore.Position), _endReachedAt))
        {
            // One write at a time is waited for.
            if (_restore.IsCompleting != wasCompleting)
                EndDiskWait();
            NoteDisk(_restore.HasBegunToWrite);
            return false;
        }

        EndDiskWait();
        MetaRecord meta = new(_inputs.Count);
        byte[] buffer = new byte[256];
        int length = _store!.TryGet(StoreKeys.Meta, ref buffer);
        if (length >= 0)
            meta.Read(buffer.AsSpan(0, length));
        if (!ChoosePositions(meta))
            return false;

        TaskStore store = new(_store, Request.Definition.TimerOf, _restore.Local, Request.Bounds);
        Result = new StreamTask(Request.Task, Request.Definition, store, meta, Request.Topics, Request.Policy, _metrics) { RestoredRecords = Records };
        State = TakeoverState.Done;
        _lifecycle.TaskRestored(Request.Task, Records, _restore.Bytes, _time.GetElapsedTime(_began));
        return false;
    }

    // The offset committed in the group; else the meta record's; else the log's start.
    private bool ChoosePositions(MetaRecord meta)
    {
        for (int i = 0; i < _inputs.Count; i++)
        {
            TopicPartition input = _inputs[i];
            long start = _starts!.Result[input];
            long end = _ends!.Result[input];
            long position = _positions!.Result.TryGetValue(input, out long committed) ? committed
                : meta.NextOffsets[i] >= 0 ? meta.NextOffsets[i]
                : start;
            if (position < start)
            {
                _logger.InputLost(Request.Task.ToString(), input.ToString(), position, start - 1);
                _metrics.InputLost(Request.Definition.Name, start - position);
                position = start;
            }
            else if (position > end)
            {
                StopFor($"its committed offset {position} of {input} lies beyond the log's end {end}: the log lost records or was made anew. Restore the topic or move the group's offset (group {_group}), and restart");
                return false;
            }

            meta.NextOffsets[i] = position;
        }

        return true;
    }

    // What is on disk cannot be used: it is deleted, and rebuilt from the changelog.
    private void Refuse(string reason)
    {
        if (_refusals == RefusalsMax)
        {
            StopFor($"its state cannot be rebuilt: {reason}");
            return;
        }

        _refusals++;
        _lifecycle.StoreRefused(Request.Task, reason);
        CloseStore();
        try
        {
            _stores.Delete(Request.Task.ToString());
        }
        catch (StoreException e)
        {
            _refusals--;
            Retry($"the store cannot be deleted: {e.Message}");
            return;
        }

        Request = Request with { Damage = null };
        Again();
    }

    private void Retry(string reason)
    {
        if (Reason != reason)
            _logger.TakeoverWaits(Request.Task.ToString(), reason);
        Reason = reason;
        _notBefore = _time.GetTimestamp() + (long)(Pause.TotalSeconds * _time.TimestampFrequency);
        CloseStore();
        Again();
    }

    private void Again()
    {
        _positions = _starts = _ends = null;
        State = First;
    }

    private void StopFor(string reason)
    {
        Reason = reason;
        CloseStore();
        State = TakeoverState.Stopped;
        _lifecycle.TaskStopped(Request.Task, reason);
    }

    private void CloseStore()
    {
        _restore = null;
        EndDiskWait();
        _opening?.Dispose();
        _opening = null;
        _store?.Dispose();
        _store = null;
    }
}
