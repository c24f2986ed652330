using System.Reflection;
using Presence.Core.Assignment;
using Presence.Core.Runtime;
using TaskStatus = Presence.Core.Runtime.TaskStatus;

namespace Presence.Host.Web.Status;

/// <summary>Makes the status document. Any thread.</summary>
internal sealed class StatusReader(IStatusSource source, RecentEvents events, TimeProvider time)
{
    private static readonly string Version =
        typeof(StatusReader).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private readonly long _started = time.GetTimestamp();
    private readonly RestorePace _pace = new(time);

    /// <summary>A snapshot.</summary>
    public StatusDocument Read()
    {
        InstanceStatus status = source.Status();
        StatusTask[] tasks = [.. status.Tasks
            .OrderBy(t => t.Task.Stage, StringComparer.Ordinal)
            .ThenBy(t => t.Task.Partition)
            .Select(Describe)];
        StatusTotals totals = Total(tasks);
        double progress = Math.Max(0, (time.GetUtcNow().ToUnixTimeMilliseconds() - status.LastProgress) / 1000.0);
        return new StatusDocument(
            status.InstanceId,
            status.Incarnation,
            Name(status.State),
            status.Reason,
            Version,
            Math.Round(time.GetElapsedTime(_started).TotalSeconds, 1),
            source.LogDescription,
            Math.Round(progress, 1),
            Verdict.Of(status, tasks, totals, progress),
            totals,
            tasks,
            Describe(status.Fleet),
            [.. events.Newest().Select(e => new StatusEvent(e.At, e.Kind.ToString(), e.Task?.ToString(), e.Detail.Length == 0 ? null : e.Detail))]);
    }

    private static StatusTask Describe(TaskStatus task)
    {
        long all = task.RestoredRecords + task.RestoreRemaining;
        // Rounded down, so that 100 means done.
        double percent = task.RestoreRemaining == 0 || all == 0 ? 100 : Math.Floor(1000.0 * task.RestoredRecords / all) / 10;
        return new StatusTask(
            task.Task.ToString(),
            task.Task.Stage,
            task.Task.Partition,
            task.Role,
            Name(task.State),
            task.Worker < 0 ? null : task.Worker,
            task.Reason,
            task.LagRecords < 0 ? null : task.LagRecords,
            task.LagSeconds < 0 ? null : Math.Round(task.LagSeconds, 3),
            task.Clock,
            new StatusRestore(task.RestoredRecords, task.RestoreRemaining, percent),
            new StatusStore(task.StoreKeys, task.StoreBytes));
    }

    private StatusFleet? Describe(FleetStatus? fleet) => fleet is null ? null : new StatusFleet(
        fleet.Planner,
        fleet.Plan,
        fleet.Plan == 0 ? null : fleet.PlannedAt,
        events.PlansLastHour(),
        fleet.Reasons,
        [.. fleet.Members.Select(Describe)]);

    private static StatusMember Describe(FleetMemberStatus member)
    {
        int Count(ReplicaRole role) => member.Copies.Count(c => c.Role == role);
        long[] behind = [.. member.Copies.Select(c => c.Behind).Where(b => b >= 0)];
        return new StatusMember(
            member.Instance,
            member.Incarnation,
            Name(member.State),
            member.Reason.Length == 0 ? null : member.Reason,
            member.Rack.Length == 0 ? null : member.Rack,
            member.Endpoint.Length == 0 ? null : member.Endpoint,
            member.SilentFor < 0 ? null : Math.Round(member.SilentFor / 1000.0, 1),
            Count(ReplicaRole.Active),
            Count(ReplicaRole.Releasing),
            Count(ReplicaRole.Standby),
            Count(ReplicaRole.Warming),
            behind.Length == 0 ? null : behind.Max());
    }

    private StatusTotals Total(StatusTask[] all)
    {
        StatusTask[] tasks = [.. all.Where(t => !IsFollowed(t))];
        StatusTask[] followed = [.. all.Where(IsFollowed)];
        long remaining = tasks.Sum(t => t.Restore.Remaining);
        double? eta = _pace.Observe(remaining);
        return new StatusTotals(
            tasks.Length,
            tasks.Count(t => t.State == "running"),
            tasks.Count(t => t.State is "created" or "restoring"),
            tasks.Count(t => t.State == "stopped"),
            followed.Length,
            followed.Count(t => t.State == "running"),
            tasks.Any(t => t.LagRecords is not null) ? tasks.Sum(t => t.LagRecords ?? 0) : null,
            tasks.Length == 0 ? null : tasks.Max(t => t.LagSeconds),
            all.Sum(t => t.Store.Keys),
            all.Sum(t => t.Store.Bytes),
            remaining,
            eta is null ? null : Math.Round(eta.Value, 1));
    }

    private static bool IsFollowed(StatusTask task) => task.Role is "standby" or "warming";

    private static string Name<T>(T state)
        where T : struct, Enum => state.ToString().ToLowerInvariant();
}
