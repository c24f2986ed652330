namespace Presence.Core.Runtime;

/// <summary>
/// Lifecycle of a task on an instance:
/// <code>
/// Created -> Restoring -> Running -> Closed
///    ^___________|___________|   (takeover anew: store failed, offsets unknown)
/// Running -> Stopped  (bad input with policy Stop, or a position beyond the log's end: waits for an operator)
/// </code>
/// </summary>
public enum TaskState
{
    /// <summary>Assigned; nothing opened yet.</summary>
    Created,

    /// <summary>Reading committed offsets and replaying the changelog's tail.</summary>
    Restoring,

    /// <summary>Processing.</summary>
    Running,

    /// <summary>Stands still until an operator decides.</summary>
    Stopped,

    /// <summary>Closed.</summary>
    Closed,
}
