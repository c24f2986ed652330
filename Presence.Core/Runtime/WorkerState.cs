namespace Presence.Core.Runtime;

/// <summary>
/// Lifecycle of a worker:
/// <code>
/// Feeding -> Changelog -> Offsets -> Committing -> Feeding
///    |           |__________|___________|
///    |___________|-> Aborting -> Feeding
/// Feeding (asked to stop, nothing uncommitted) -> Closing -> Closed
/// any -> Failed  (its producer is finished: the incarnation ends)
/// </code>
/// In every state but Feeding a call on the producer may be unanswered. From Offsets on the transaction is sealed: what is
/// fed then belongs to the next one, and nothing of that leaves the process before this one is known to be committed.
/// </summary>
public enum WorkerState
{
    /// <summary>Records are taken and processed.</summary>
    Feeding,

    /// <summary>Changed keys go to the changelogs.</summary>
    Changelog,

    /// <summary>Positions go to the transaction, one group after the other.</summary>
    Offsets,

    /// <summary>The commit is on its way.</summary>
    Committing,

    /// <summary>The abort is on its way.</summary>
    Aborting,

    /// <summary>All is committed; the stores are closed, one in each step.</summary>
    Closing,

    /// <summary>All committed and closed.</summary>
    Closed,

    /// <summary>The producer is finished for good.</summary>
    Failed,
}
