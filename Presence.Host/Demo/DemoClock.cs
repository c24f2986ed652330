namespace Presence.Host.Demo;

/// <summary>
/// Event time of the simulation: begins in the past, runs faster than life until it has caught up with the wall clock,
/// and goes at its pace from then on.
/// </summary>
internal sealed class DemoClock(TimeProvider time, TimeSpan age, double speed)
{
    private readonly long _began = time.GetTimestamp();

    /// <summary>Where it began, ms.</summary>
    public long Start { get; } = time.GetUtcNow().ToUnixTimeMilliseconds() - (long)age.TotalMilliseconds;

    /// <summary>Where it is, ms.</summary>
    public long Now() => Math.Min(
        Start + (long)(time.GetElapsedTime(_began).TotalMilliseconds * speed),
        time.GetUtcNow().ToUnixTimeMilliseconds());
}
