using Presence.Core.Log.Simulated;

namespace Presence.Tests.Simulation;

/// <summary>How one seed ended.</summary>
/// <param name="Seed">Which.</param>
/// <param name="Failure">What was broken; null when nothing was.</param>
/// <param name="Hash">Of everything that happened, in order.</param>
/// <param name="Faults">How often each kind happened.</param>
/// <param name="Seen">How often what matters to the stages was among the results, by name.</param>
internal sealed record SimulationResult(int Seed, string? Failure, ulong Hash, IReadOnlyDictionary<SimulatedFault, long> Faults, IReadOnlyDictionary<string, long> Seen);
