namespace Presence.Core.Runtime;

/// <summary>
/// Lifecycle of an instance:
/// <code>
/// Joining -> Starting -> Running -> Stopping -> Stopped
///    ^_____________________|  (new incarnation after a fatal error of a producer)
/// any -> Failed (refused, or a failure that a new incarnation cannot mend)
/// </code>
/// </summary>
public enum InstanceState
{
    /// <summary>Reading the control log.</summary>
    Joining,

    /// <summary>Checking topics, initialising producers.</summary>
    Starting,

    /// <summary>It announces itself, follows the plans, and runs what they give it.</summary>
    Running,

    /// <summary>Committing, closing, and handing over.</summary>
    Stopping,

    /// <summary>Closed cleanly.</summary>
    Stopped,

    /// <summary>Given up; see the reason.</summary>
    Failed,
}
