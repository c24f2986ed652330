namespace Presence.Core.Runtime;

/// <summary>
/// Lifecycle of an instance:
/// <code>
/// Joining -> Fencing -> Starting -> Running -> Stopping -> Stopped
///    ^__________________________________|  (new incarnation after a fatal error of a producer)
/// any -> Failed (refused, or a failure that a new incarnation cannot mend)
/// </code>
/// </summary>
public enum InstanceState
{
    /// <summary>Waiting for the group.</summary>
    Joining,

    /// <summary>Ending earlier incarnations.</summary>
    Fencing,

    /// <summary>Checking topics, initialising producers, announcing itself.</summary>
    Starting,

    /// <summary>Tasks are taken over and run.</summary>
    Running,

    /// <summary>Committing and closing.</summary>
    Stopping,

    /// <summary>Closed cleanly.</summary>
    Stopped,

    /// <summary>Given up; see the reason.</summary>
    Failed,
}
