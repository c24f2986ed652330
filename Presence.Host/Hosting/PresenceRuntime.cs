using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Presence.Core.Runtime;

namespace Presence.Host.Hosting;

/// <summary>
/// Gives an instance its threads: one for control, one for heartbeats, one for the restorer, one per worker, all named. An incarnation that
/// ends takes its restorer's and workers' threads with it; the next one gets new ones.
/// </summary>
public sealed class PresenceRuntime : IPresenceRuntime, IDisposable
{
    private static readonly TimeSpan ControlWait = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan HeartbeatPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan WorkerWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RestoreWait = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StandstillCheck = TimeSpan.FromMilliseconds(100);

    private readonly Instance _instance;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource<bool> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Thread> _loops = [];
    private readonly Thread _control;
    private readonly Thread _heartbeat;
    private volatile bool _leave;
    private volatile bool _ended;
    private volatile string? _crash;

    /// <summary>Owns the instance.</summary>
    public PresenceRuntime(Instance instance, ILogger<PresenceRuntime> logger)
    {
        _instance = instance;
        _logger = logger;
        _instance.EndLoops = (close, limit) => JoinLoops(limit) && Do(close, limit);
        _control = new Thread(RunControl) { Name = "presence-control", IsBackground = true };
        _heartbeat = new Thread(RunHeartbeat) { Name = "presence-heartbeat", IsBackground = true };
    }

    /// <inheritdoc/>
    public Task<bool> Completion => _completion.Task;

    /// <inheritdoc/>
    public bool IsRefused => _instance.IsRefused;

    /// <inheritdoc/>
    public void Start()
    {
        _heartbeat.Start();
        _control.Start();
    }

    /// <inheritdoc/>
    public void RequestStop() => _instance.RequestStop();

    /// <inheritdoc/>
    public InstanceStatus Status()
    {
        InstanceStatus status = _instance.Status();
        return _crash is null ? status : status with { State = InstanceState.Failed, Reason = _crash };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_control.IsAlive)
        {
            _instance.RequestStop();
            _control.Join();
        }

        _ended = true;
        if (_heartbeat.IsAlive)
            _heartbeat.Join();
        _instance.Dispose();
    }

    private void RunControl()
    {
        try
        {
            while (_crash is null)
            {
                _instance.RunOnce(ControlWait);
                if (_instance.State is InstanceState.Stopped or InstanceState.Failed)
                    break;
                if (_loops.Count == 0 && _instance.State == InstanceState.Running)
                    StartLoops();
                if (_instance.State < InstanceState.Running || _instance.State == InstanceState.Stopping)
                    Thread.Sleep(1);
            }
        }
#pragma warning disable CA1031 // The first failure of a loop wins, is logged once and ends the instance.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Crash("control", e);
        }

        // A loop may never come back; what the others use is closed next.
        JoinLoops(LeaveLimit);
        _completion.TrySetResult(_crash is null && _instance.State == InstanceState.Stopped);
    }

    // Its own thread, so that nothing that stands still elsewhere silences it.
    private void RunHeartbeat()
    {
        try
        {
            while (!_ended)
            {
                _instance.Heartbeat.RunOnce();
                _instance.Heartbeat.WaitForNews(HeartbeatPause);
            }
        }
#pragma warning disable CA1031 // As below.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Crash("heartbeat", e);
        }
    }

    private void StartLoops()
    {
        _leave = false;
        Restorer restorer = _instance.Restorer;
        _loops.Add(new Thread(() => Loop("restore", () =>
        {
            if (!restorer.RunOnce(RestoreWait))
                Thread.Sleep(restorer.IsIdle ? 20 : 1);
            return true;
        }))
        { Name = "presence-restore", IsBackground = true });
        foreach (Worker worker in _instance.Workers)
        {
            _loops.Add(new Thread(() => Loop($"worker-{worker.Index}", () =>
            {
                if (!worker.RunOnce(WorkerWait))
                    Thread.Sleep(1);
                return worker.State is not (WorkerState.Closed or WorkerState.Failed);
            }))
            { Name = $"presence-worker-{worker.Index}", IsBackground = true });
        }

        foreach (Thread loop in _loops)
            loop.Start();
    }

    private void Loop(string name, Func<bool> step)
    {
        try
        {
            while (!_leave && step())
            {
            }
        }
#pragma warning disable CA1031 // As above.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Crash(name, e);
        }
    }

    private bool JoinLoops(TimeSpan limit)
    {
        _leave = true;
        long began = Stopwatch.GetTimestamp();
        foreach (Thread loop in _loops)
        {
            TimeSpan left = limit - Stopwatch.GetElapsedTime(began);
            if (loop != Thread.CurrentThread && !loop.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero))
                return false;
        }

        _loops.Clear();
        return true;
    }

    // By a thread of its own: a store that is closed may wait for its disk for ever.
    private bool Do(Action close, TimeSpan limit)
    {
        Task closing = Task.Factory.StartNew(close, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        long began = Now();
        while (Task.WaitAny([closing], StandstillCheck) < 0)
        {
            if (Now() - Math.Max(began, _instance.MovedAt) >= limit.TotalMilliseconds)
                return false;
        }

        closing.GetAwaiter().GetResult();
        return true;
    }

    private static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    private void Crash(string loop, Exception e)
    {
        if (Interlocked.CompareExchange(ref _crash, $"the {loop} loop failed: {e.GetType().Name}: {e.Message}", null) is null)
            _logger.LoopFailed(loop, e);
    }
}
