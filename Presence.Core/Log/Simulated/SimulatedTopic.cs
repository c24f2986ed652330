namespace Presence.Core.Log.Simulated;

/// <summary>A topic of a simulated cluster.</summary>
public sealed record SimulatedTopic(string Name, string Id, IReadOnlyList<SimulatedPartition> Partitions, IReadOnlyDictionary<string, string> Configuration)
{
    /// <summary>Whether it is compacted.</summary>
    public bool IsCompacted => Configuration.TryGetValue("cleanup.policy", out string? policy) && policy.Contains("compact", StringComparison.Ordinal);
}
