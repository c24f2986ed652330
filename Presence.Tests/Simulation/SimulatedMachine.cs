using Presence.Core.Runtime;
using Presence.Core.State.Simulated;

namespace Presence.Tests.Simulation;

/// <summary>Where the processes of one instance live, one after the other: its options, its disk, and one to spare.</summary>
internal sealed class SimulatedMachine(InstanceOptions options, SimulatedDisk[] disks)
{
    public InstanceOptions Options { get; } = options;

    public SimulatedDisk[] Disks { get; } = disks;

    /// <summary>The process that is meant to run; null before the first.</summary>
    public SimulatedProcess? Current { get; set; }

    /// <summary>Its disk as it once was.</summary>
    public IReadOnlyDictionary<string, SimulatedStoreFile>? Image { get; set; }

    /// <summary>It is not to be started again for now: the fleet was scaled in.</summary>
    public bool IsAway { get; set; }
}
