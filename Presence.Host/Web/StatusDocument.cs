using Presence.Core.Runtime;

namespace Presence.Host.Web;

/// <summary>What <c>/api/status</c> answers.</summary>
internal sealed record StatusDocument(string Instance, string Incarnation, string State, string? Reason, string Log, IReadOnlyList<StatusDocument.Task> Tasks)
{
    /// <summary>One task. Lag: -1 not known. Clock: event time in ms.</summary>
    internal sealed record Task(string Id, string Stage, int Partition, string Role, string State, int Worker, string? Reason, long LagRecords, double LagSeconds, long? Clock, long Restored, long RestoreRemaining, long StoreKeys, long StoreBytes);

    public static StatusDocument Of(InstanceStatus status, string log) => new(
        status.InstanceId,
        status.Incarnation,
        status.State.ToString(),
        status.Reason,
        log,
        [.. status.Tasks.Select(t => new Task(t.Task.ToString(), t.Task.Stage, t.Task.Partition, t.Role, t.State.ToString(), t.Worker, t.Reason, t.LagRecords, t.LagSeconds, t.Clock, t.RestoredRecords, t.RestoreRemaining, t.StoreKeys, t.StoreBytes))]);
}
