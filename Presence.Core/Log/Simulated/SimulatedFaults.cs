namespace Presence.Core.Log.Simulated;

/// <summary>How often things go wrong, which of them may, and how often they did.</summary>
public sealed class SimulatedFaults
{
    private readonly SimulatedWorld _world;
    private readonly long[] _counts = new long[Enum.GetValues<SimulatedFault>().Length];

    internal SimulatedFaults(SimulatedWorld world) => _world = world;

    /// <summary>Nothing goes wrong while false: before the first fault, and after the last.</summary>
    public bool Active { get; set; }

    /// <summary>Kinds that do not happen; for finding out which one of them a failure needs.</summary>
    public HashSet<SimulatedFault> Excluded { get; } = [];

    /// <summary>Probability of a fault of the network or the client, per request.</summary>
    public double Rate { get; set; } = 0.01;

    /// <summary>How often each kind happened.</summary>
    public long CountOf(SimulatedFault fault) => _counts[(int)fault];

    /// <summary>Whether a fault happens now, at the rate of the world times <paramref name="weight"/>; counts it.</summary>
    public bool Strikes(SimulatedFault fault, double weight = 1)
    {
        // Chance is drawn in any case: leaving out one kind must not change what else happens.
        bool strikes = _world.Chance(Rate * weight);
        return strikes && Happens(fault);
    }

    /// <summary>Counts a fault that was chosen elsewhere; false when it may not happen.</summary>
    public bool Happens(SimulatedFault fault)
    {
        if (!Active || Excluded.Contains(fault))
            return false;
        Note(fault);
        return true;
    }

    /// <summary>Counts something that happened as a consequence.</summary>
    public void Note(SimulatedFault fault)
    {
        _counts[(int)fault]++;
        _world.Note(fault.ToString());
    }
}
