namespace Presence.Core.Log.Simulated;

/// <summary>The simulated process dies here: nothing of it runs any more, not even what cleans up.</summary>
public sealed class SimulatedCrashException : Exception
{
    /// <summary>At a call.</summary>
    public SimulatedCrashException(string where)
        : base($"the simulated process dies {where}")
    {
    }
}
