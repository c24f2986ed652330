namespace Presence.Core.Log.Simulated;

/// <summary>The clock of one process in virtual time; its wall clock may be wrong.</summary>
public sealed class SimulatedClock(SimulatedWorld world, TimeSpan skew = default) : TimeProvider
{
    /// <summary>Wall clock at virtual time 0: later than all event times, so that none is taken for one of the future.</summary>
    public static readonly DateTimeOffset Epoch = new(2040, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far it is ahead.</summary>
    public TimeSpan Skew { get; set; } = skew;

    /// <inheritdoc/>
    public override long TimestampFrequency => 1_000_000;

    /// <inheritdoc/>
    public override long GetTimestamp() => world.Now;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Epoch.AddMicroseconds(world.Now) + Skew;
}
