using Microsoft.Extensions.Logging;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.State.Simulated;
using Presence.Tests.Telemetry;

namespace Presence.Tests.Simulation;

/// <summary>
/// One life of a process: the real instance over the simulated log and disk. Its loops are stepped by the world, each at
/// times of its own, as threads would be.
/// </summary>
internal sealed class SimulatedProcess
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);
    private static readonly RuntimeMetrics NoMetrics = new(new UnheardMeters());

    private readonly SimulatedWorld _world;
    private readonly SimulatedLog _log;
    private readonly Instance _instance;
    private readonly SimulatedClock _clock;
    private readonly Action<SimulatedProcess, string> _onCrash;
    private IReadOnlyList<Worker> _driven = [];
    private long _callsLeft = long.MaxValue;
    private (string Call, TimeSpan Span)? _suspendsAt;
    private TimeSpan _slow;
    private TimeSpan _stuckFor;
    private long _stuckUntil;
    private bool _heldUp;
    private long _slowUntil;

    public SimulatedProcess(SimulatedCluster cluster, SimulatedDisk disk, InstanceOptions options, IReadOnlyList<StageDefinition> stages, TimeSpan skew, ILogger logger, Action<SimulatedProcess, string> onCrash)
    {
        _world = cluster.World;
        Disk = disk;
        _onCrash = onCrash;
        _log = new SimulatedLog(cluster) { OnCall = OnCall };
        _clock = new SimulatedClock(_world, skew);
        _instance = new Instance(options, stages, _log, new SimulatedStores(disk, OnCall, slow => _slow += slow), _clock, NoMetrics, logger);
        _world.After(_world.Span(1, 50), StepControl);
        _world.After(_world.Span(1, 50), StepHeartbeat);
    }

    public SimulatedDisk Disk { get; }

    public bool IsAlive => _log.IsAlive;

    public InstanceState State => _instance.State;

    public string? Reason => _instance.Reason;

    public Instance Instance => _instance;

    public bool IsPaused => _log.PausedUntil > _world.Now;

    /// <summary>A worker of it does not come back from a step, or will not from its next one.</summary>
    public bool IsStuck => _stuckFor > TimeSpan.Zero || _stuckUntil > _world.Now;

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        _log.Kill();
        Disk.Close();
    }

    /// <summary>It dies at the given number of calls from now.</summary>
    public void KillAtCall(int calls) => _callsLeft = calls;

    /// <summary>SIGSTOP, and SIGCONT after a while.</summary>
    public void Pause(TimeSpan span)
    {
        _heldUp = true;
        _log.PausedUntil = _world.Now + (long)span.TotalMicroseconds;
    }

    /// <summary>The machine is suspended in the midst of a step, when the next call of that name is made, and wakes up so much later.</summary>
    public void SuspendAt(string call, TimeSpan span) => _suspendsAt = (call, span);

    /// <summary>What is called after that.</summary>
    public List<string> CallsSinceSuspended { get; } = [];

    /// <summary>It has little of its machine for a while: a step that does something takes longer, and what it began is open until the next.</summary>
    public void SlowDown(TimeSpan span) => _slowUntil = _world.Now + (long)span.TotalMicroseconds;

    /// <summary>It does not hear for a while what others say of plans, or of themselves.</summary>
    public void HoldReads(string topic, TimeSpan span) => _log.HoldReads(topic, _world.Now + (long)span.TotalMicroseconds);

    /// <summary>The next worker that takes a step does not come back from it for a while.</summary>
    public void Stick(TimeSpan span)
    {
        _heldUp = true;
        _stuckFor = span;
    }

    /// <summary>SIGTERM: it has ended within a minute, whatever the log does, unless the machine holds it up.</summary>
    public void RequestStop()
    {
        _instance.RequestStop();
        _heldUp = IsPaused || _stuckFor > TimeSpan.Zero;
        _world.After(StopLimit, () =>
        {
            if (IsAlive && !_heldUp && _instance.State == InstanceState.Stopping)
                throw new SimulationFailureException($"an instance was asked to stop {StopLimit.TotalSeconds:0} s ago, and has not: {string.Join(", ", _instance.Workers.Select(w => w.State))}");
        });
    }

    private void OnCall(string what)
    {
        if (_clock.Skew > TimeSpan.FromMinutes(1))
            CallsSinceSuspended.Add(what);
        if (_suspendsAt is var (call, span) && what == call)
        {
            _suspendsAt = null;
            _clock.Skew += span;
        }

        if (--_callsLeft > 0 || !IsAlive)
            return;
        throw new SimulatedCrashException(what);
    }

    private void StepControl() => Step(
        () =>
        {
            _instance.RunOnce(TimeSpan.Zero);
            if (!ReferenceEquals(_instance.Workers, _driven))
            {
                _driven = _instance.Workers;
                Restorer restorer = _instance.Restorer;
                if (_driven.Count > 0)
                    StepRestorer(restorer);
                foreach (Worker worker in _driven)
                    StepWorker(worker);
            }

            // A process that gives up takes a while to end; a stuck thread of it may wake up until then.
            if (_instance.State == InstanceState.Stopped || _instance.IsRefused)
            {
                Kill();
                return null;
            }

            if (_instance.State == InstanceState.Failed)
            {
                _world.After(_world.Span(1, 15_000), Kill);
                return null;
            }

            return (_instance.State is InstanceState.Running ? _world.Span(20, 200) : _world.Span(1, 20)) + Slowness();
        },
        StepControl);

    private void StepHeartbeat() => Step(
        () =>
        {
            _instance.Heartbeat.RunOnce();
            return _world.Span(5, 30);
        },
        StepHeartbeat);

    private void StepRestorer(Restorer restorer) => Step(
        () => restorer != _instance.Restorer ? null : restorer.RunOnce(TimeSpan.Zero) || !restorer.IsIdle ? _world.Span(1, 20) : _world.Span(100, 300),
        () => StepRestorer(restorer));

    private void StepWorker(Worker worker) => Step(
        () =>
        {
            if (!_instance.Workers.Contains(worker) || worker.State is WorkerState.Closed or WorkerState.Failed)
                return null;
            if (_stuckFor > TimeSpan.Zero)
                _stuckUntil = _world.Now + (long)_stuckFor.TotalMicroseconds;
            (_slow, _stuckFor) = (_slow + _stuckFor, TimeSpan.Zero);
            return worker.RunOnce(TimeSpan.Zero) ? _world.Span(0.2, 3) + Slowness() : worker.State == WorkerState.Feeding ? _world.Span(20, 150) : _world.Span(0.5, 10);
        },
        () => StepWorker(worker));

    private TimeSpan Slowness() => _world.Now < _slowUntil ? _world.Span(5, 80) : TimeSpan.Zero;

    // Runs a step and comes again after the span it returns; null: no more.
    private void Step(Func<TimeSpan?> step, Action again)
    {
        if (!IsAlive)
            return;
        if (IsPaused)
        {
            _world.After(TimeSpan.FromMicroseconds(_log.PausedUntil - _world.Now), again);
            return;
        }

        try
        {
            _slow = TimeSpan.Zero;
            if (step() is { } wait && IsAlive)
                _world.After(wait + _slow, again);
        }
        catch (SimulatedCrashException e)
        {
            Kill();
            _onCrash(this, e.Message);
        }
    }
}
