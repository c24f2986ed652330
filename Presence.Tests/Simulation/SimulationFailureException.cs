namespace Presence.Tests.Simulation;

/// <summary>A promise is broken.</summary>
internal sealed class SimulationFailureException(string message) : Exception(message);
