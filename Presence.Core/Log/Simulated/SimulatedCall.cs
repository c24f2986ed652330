namespace Presence.Core.Log.Simulated;

/// <summary>One request on its way, until its answer has come back.</summary>
internal sealed class SimulatedCall(SimulatedLog log, string resource, Func<LogResult> serve, Action<LogResult>? done, Func<bool>? isWanted, TimeSpan? later)
{
    private readonly SimulatedWorld _world = log.Cluster.World;

    /// <summary>The answer is there.</summary>
    public bool IsDone { get; private set; }

    public LogResult Result { get; private set; }

    public void Attempt()
    {
        if (!log.IsAlive || isWanted?.Invoke() == false)
            return;
        if (Stands(Attempt))
            return;
        if (_world.Faults.Strikes(SimulatedFault.LostRequest))
            _world.After(log.Cluster.Options.RequestTimeout, Attempt);
        else
            _world.After(Latency(), Serve);
    }

    private void Serve()
    {
        if (!log.Cluster.IsUp(resource))
        {
            _world.After(_world.Span(50, 500), Attempt);
            return;
        }

        LogResult result = serve();
        if (result.Status == LogStatus.TimedOut)
            _world.After(later ?? _world.Span(2, 50), Attempt);
        else if (_world.Faults.Strikes(SimulatedFault.LostAnswer))
            _world.After(log.Cluster.Options.RequestTimeout, Attempt);
        else
            _world.After(Latency(), () => Finish(result));
    }

    private void Finish(LogResult result)
    {
        if (!log.IsAlive || Stands(() => Finish(result)))
            return;
        IsDone = true;
        Result = result;
        done?.Invoke(result);
    }

    // Nothing of a process that stands still goes on.
    private bool Stands(Action later)
    {
        if (_world.Now >= log.PausedUntil)
            return false;
        _world.After(TimeSpan.FromMicroseconds(log.PausedUntil - _world.Now), later);
        return true;
    }

    private TimeSpan Latency() => _world.Faults.Strikes(SimulatedFault.SlowNetwork) ? _world.Span(50, 1500) : _world.Span(0.2, 4);
}
