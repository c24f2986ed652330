using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>A snapshot of an instance for health, page, API and metrics. Immutable.</summary>
/// <param name="InstanceId">Stable name.</param>
/// <param name="Incarnation">This life's random id; empty before the first.</param>
/// <param name="State">Where the instance is in its lifecycle.</param>
/// <param name="Reason">What it waits for or died of, in a sentence; null when all is well.</param>
/// <param name="Tasks">All tasks of this instance.</param>
/// <param name="LastProgress">Wall clock of the slowest loop's last step, ms since 1970: old means stuck.</param>
/// <param name="Fleet">The other instances; null before anything is known of them.</param>
public sealed record InstanceStatus(
    string InstanceId,
    string Incarnation,
    InstanceState State,
    string? Reason,
    IReadOnlyList<TaskStatus> Tasks,
    long LastProgress,
    FleetStatus? Fleet = null);

/// <summary>A snapshot of one task.</summary>
/// <param name="Task">Its id.</param>
/// <param name="Role"><c>active</c>, <c>standby</c>, <c>warming</c> or <c>restoring</c>.</param>
/// <param name="State">Where the task is in its lifecycle.</param>
/// <param name="Worker">Index of the worker that runs it; -1 for none.</param>
/// <param name="Reason">Why it stands still, in a sentence; null when it does not.</param>
/// <param name="LagRecords">Records between position and known end, over all inputs; -1 when not known.</param>
/// <param name="LagSeconds">Wall-clock seconds since the arrival of the record last processed while behind; 0 when caught up; -1 when not known.</param>
/// <param name="Clock">The task's clock, event time in ms; null before the first record.</param>
/// <param name="RestoredRecords">Changelog records replayed by the present or last restore.</param>
/// <param name="RestoreRemaining">Changelog records still to replay; 0 when done.</param>
/// <param name="StoreKeys">Estimated keys in the store.</param>
/// <param name="StoreBytes">Bytes on disk.</param>
public sealed record TaskStatus(
    TaskId Task,
    string Role,
    TaskState State,
    int Worker,
    string? Reason,
    long LagRecords,
    double LagSeconds,
    long? Clock,
    long RestoredRecords,
    long RestoreRemaining,
    long StoreKeys,
    long StoreBytes)
{
    /// <summary>Records of its inputs that were fetched and wait in memory; the largest of them.</summary>
    public int WaitingRecords { get; init; }

    /// <summary>Figures of its store and of what is kept in memory before it; nothing for a task that is not active.</summary>
    public StoreFigures Store { get; init; }

    /// <summary>Next changelog offset its store would apply; -1 not known.</summary>
    public long ChangelogOffset { get; init; } = -1;
}
