using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>
/// The role of one incarnation that plans for all: who lives, who is dead, who runs what. Its transactional id is the
/// lock: who initialised it last is the planner, and nobody else can write to the control log. It plans only from what it
/// has read up to the end that the log had after that, its own last plan included. Stepped by one thread; calls wait for
/// milliseconds.
/// </summary>
public sealed class Planner : IDisposable
{
    private enum Phase
    {
        Locking,
        Reading,
        Planning,
        Writing,
    }

    private static readonly TimeSpan CallWait = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan SoonAnswered = TimeSpan.FromSeconds(1);

    // A client may not come back from a call: who takes the role next, this instance or another one, has a new client. Longer
    // than a broker takes to restart, which costs a wait and not the role.
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(60);

    private readonly ILog _log;
    private readonly InstanceOptions _options;
    private readonly string _own;
    private readonly ControlReader _reader;
    private readonly FleetView _view;
    private readonly TimeProvider _time;
    private readonly Lifecycle _lifecycle;
    private readonly ILogger _logger;
    private readonly TopicPartition _partition;
    private readonly ITransactionalProducer _producer;
    private readonly FencingRound _fencing;
    private readonly ControlWrite _write;
    private readonly Dictionary<(string Incarnation, TaskId Task), long> _obsoleteSince = [];
    private Phase _phase;
    private Task<IReadOnlyDictionary<TopicPartition, long>>? _end;
    private long _writingSince;
    private long _readBack;
    private long _beatAt;
    private long _plannedAt;
    private TimeSpan _planningPause;
    private (long View, long Control, int Fenced) _plannedFrom = (-1, -1, -1);
    private long _startingSince = -1;
    private bool _resigning;

    /// <summary>For the incarnation <paramref name="own"/>; touches the log with the first step.</summary>
    public Planner(ILog log, InstanceOptions options, string own, ControlReader reader, FleetView view, TimeProvider time, Lifecycle lifecycle, ILogger logger)
    {
        _log = log;
        _options = options;
        _own = own;
        _reader = reader;
        _view = view;
        _time = time;
        _lifecycle = lifecycle;
        _logger = logger;
        _partition = new TopicPartition(ControlTopics.ControlOf(options.ApplicationId), 0);
        _producer = log.CreateProducer($"{options.ApplicationId}-planner");
        _fencing = new FencingRound(log, options.ApplicationId, time, logger);
        _write = new ControlWrite(_producer, _partition);
    }

    /// <summary>Whether it holds the lock and has read everything.</summary>
    public bool IsPlanning => _phase >= Phase.Planning;

    /// <summary>Why it is the planner no more; null while it is.</summary>
    public string? Failure { get; private set; }

    /// <summary>What it waits for, in words; null when for nothing.</summary>
    public string? Waiting { get; private set; }

    /// <summary>Its last word is written: the first deputy need not wait.</summary>
    public bool HasResigned { get; private set; }

    /// <summary>Gives the role up, after what is under way.</summary>
    public void Resign() => _resigning = true;

    /// <summary>Goes on.</summary>
    public void Step(CancellationToken cancellation)
    {
        if (Failure is not null || HasResigned)
            return;
        Waiting = null;
        switch (_phase)
        {
            case Phase.Locking:
                LogResult taken = _producer.Init(CallWait);
                if (taken.Status == LogStatus.Fatal)
                    Failure = taken.Reason;
                else if (taken.IsOk)
                    _phase = Phase.Reading;
                else
                    Waiting = $"the planner's transactional id: {taken.Reason}";
                break;
            case Phase.Reading:
                _end ??= _log.Admin.EndOffsets([_partition], IsolationLevel.ReadUncommitted, cancellation);
                if (!_end.IsCompleted)
                    break;
                if (!_end.IsCompletedSuccessfully)
                {
                    _end = null;
                    break;
                }

                Waiting = $"the control log to be read, {_end.Result[_partition] - _reader.Position} records to go";
                if (_reader.Position < _end.Result[_partition])
                    break;
                Waiting = null;
                _phase = Phase.Planning;
                _lifecycle.PlannerBegan(_options.InstanceId);
                break;
            case Phase.Planning:
                // What it has written last must have come back before it decides anew.
                if (_reader.Position < _readBack)
                {
                    Waiting = "its last plan to come back";
                    break;
                }

                Fence();
                Decide();
                break;
            case Phase.Writing:
                if (_write.Step(CallWait, out string? failure))
                {
                    _readBack = (_producer.TrackedOffset(_partition) ?? -1) + 1;
                    _phase = Phase.Planning;
                    HasResigned = _write.IsLast;
                    break;
                }

                TimeSpan since = _time.GetElapsedTime(_writingSince);
                Waiting = since > SoonAnswered ? $"the log to take its plan, for {since.TotalSeconds:0} s" : null;
                Failure = failure ?? (since > WriteLimit ? $"the log has not taken its plan within {WriteLimit.TotalSeconds:0} s" : null);
                break;
        }
    }

    // Verdicts first, read back from the log; then the ids; then, in Decide, their tasks.
    private void Fence()
    {
        foreach (Incarnation incarnation in _reader.State.Incarnations.Values)
        {
            if (incarnation.State == IncarnationState.Condemned && !_fencing.Knows(incarnation.Id))
                _fencing.Add(incarnation);
        }

        _fencing.Step();
        Waiting = _fencing.Waiting;
    }

    private void Decide()
    {
        // What time alone brings about is looked at with every beat: it comes back through the control log.
        bool isBeatDue = _beatAt == 0 || _time.GetElapsedTime(_beatAt) >= _options.BeatInterval;
        var from = (_view.Version, _reader.Position, _reader.State.Incarnations.Values.Count(i => i.State == IncarnationState.Condemned && _fencing.IsDone(i.Id)));
        if (!_view.IsCurrent)
            Waiting = "its own announcements to come back: what others say now is not known";
        bool isPlanDue = _view.IsCurrent && from != _plannedFrom && _time.GetElapsedTime(_plannedAt) >= _planningPause;
        if (!isBeatDue && !isPlanDue && !_resigning)
            return;

        long now = Now();
        PlanDraft draft = new(_options, _own, _reader.State, _view, _obsoleteSince, now);
        if (isPlanDue)
        {
            _plannedFrom = from;
            _plannedAt = _time.GetTimestamp();
            draft.JudgeMembers(_fencing.IsDone);
            if (!IsFleetStarting(draft))
                draft.Place();
            // A large fleet beats all the time, and a plan for it takes its time.
            _planningPause = _time.GetElapsedTime(_plannedAt) * 5;
            foreach (string gone in draft.Gone)
            {
                _fencing.Forget(gone);
                _view.Forget(gone);
            }

            foreach (string said in draft.Reasons)
                _logger.PlanReason(draft.Number, said);
        }

        bool resigns = _resigning && !draft.HasPlan;
        if (!isBeatDue && draft.Records.Count == 0 && !resigns)
            return;
        _beatAt = _time.GetTimestamp();
        // Last, so that who reads it has read all of the plan before.
        draft.Records.Add((PlannerBeat.Key(), new PlannerBeat(_own, _options.InstanceId, now, resigns).Value()));
        _write.Begin(draft.Records, resigns, now);
        _writingSince = _time.GetTimestamp();
        _phase = Phase.Writing;
    }

    // A fleet that comes up gets its first plan when all who were there are back, or after a while.
    private bool IsFleetStarting(PlanDraft draft)
    {
        if (draft.HasRunningTasks)
        {
            _startingSince = -1;
            return false;
        }

        if (draft.IsEverybodyBack)
            return false;
        if (_startingSince < 0)
            _startingSince = _time.GetTimestamp();
        TimeSpan left = _options.InitialRebalanceDelay - _time.GetElapsedTime(_startingSince);
        if (left <= TimeSpan.Zero)
            return false;
        Waiting = $"more instances to come up, {left.TotalSeconds:0.0} s at most";
        _plannedFrom = (-1, -1, -1);
        return true;
    }

    private long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <inheritdoc/>
    public void Dispose()
    {
        _fencing.Dispose();
        _producer.Dispose();
    }
}
