namespace Presence.Host.Web.Status;

/// <summary>What <c>/api/status</c> answers. Documented field by field in docs/web.md: a name that is out stays.</summary>
internal sealed record StatusDocument(
    string Instance,
    string Incarnation,
    string State,
    string? Reason,
    string Version,
    double UptimeSeconds,
    string Log,
    double LastProgressSeconds,
    Verdict Verdict,
    StatusTotals Totals,
    IReadOnlyList<StatusTask> Tasks,
    StatusFleet? Fleet,
    IReadOnlyList<StatusEvent> Events);

/// <summary>Something that happened to the instance or a task.</summary>
/// <param name="At">Wall clock, ms.</param>
/// <param name="Kind">As in <see cref="Core.Runtime.LifecycleKind"/>.</param>
/// <param name="Task">Null: the instance.</param>
internal sealed record StatusEvent(long At, string Kind, string? Task, string? Detail);

/// <summary>The instances that share the work, and the last plan.</summary>
/// <param name="Planner">The instance that plans; null while nobody has.</param>
/// <param name="Plan">Number of the last plan; 0 before the first.</param>
/// <param name="PlannedAt">When, ms.</param>
/// <param name="PlansLastHour">Plans this instance read within the last hour.</param>
/// <param name="Reasons">What it changed and why.</param>
internal sealed record StatusFleet(string? Planner, long Plan, long? PlannedAt, int PlansLastHour, IReadOnlyList<string> Reasons, IReadOnlyList<StatusMember> Members);

/// <summary>One incarnation of an instance.</summary>
/// <param name="State"><c>live</c>, <c>condemned</c> (taken for dead, being fenced), <c>ended</c> (its tasks wait for it for a while) or <c>refused</c>.</param>
/// <param name="SilentSeconds">Null: this instance does not listen; only the planner and its deputies do.</param>
/// <param name="Behind">Changelog records by which its copies are behind the furthest ones, the most; null: not known.</param>
internal sealed record StatusMember(
    string Instance,
    string Incarnation,
    string State,
    string? Reason,
    string? Rack,
    string? Endpoint,
    double? SilentSeconds,
    int Active,
    int Releasing,
    int Standby,
    int Warming,
    long? Behind);

/// <summary>One task.</summary>
/// <param name="Role"><c>active</c>, <c>standby</c>, <c>warming</c> or <c>restoring</c>.</param>
/// <param name="Worker">Null: none runs it.</param>
/// <param name="LagRecords">Null: not known.</param>
/// <param name="LagSeconds">Null: not known.</param>
/// <param name="Clock">Event time, ms; null before the first record.</param>
internal sealed record StatusTask(
    string Id,
    string Stage,
    int Partition,
    string Role,
    string State,
    int? Worker,
    string? Reason,
    long? LagRecords,
    double? LagSeconds,
    long? Clock,
    StatusRestore Restore,
    StatusStore Store);

/// <summary>Progress of the present or last restore, changelog records.</summary>
/// <param name="Percent">0 to 100, one decimal; 100 when nothing is left.</param>
internal sealed record StatusRestore(long Restored, long Remaining, double Percent);

/// <summary>A store on disk.</summary>
/// <param name="Keys">An estimate.</param>
internal sealed record StatusStore(long Keys, long Bytes);

/// <summary>Over the tasks that run here or are being taken over; and, beside them, those that are only followed.</summary>
/// <param name="Standbys">Tasks followed here.</param>
/// <param name="StandbysReady">Of those, the ones that have all of their changelog.</param>
/// <param name="LagRecords">Null when no task knows its own.</param>
/// <param name="LagSeconds">The largest; null when no task knows its own.</param>
/// <param name="RestoreEtaSeconds">Null: nothing to restore, or its pace is not known yet.</param>
internal sealed record StatusTotals(
    int Tasks,
    int Running,
    int Restoring,
    int Stopped,
    int Standbys,
    int StandbysReady,
    long? LagRecords,
    double? LagSeconds,
    long StoreKeys,
    long StoreBytes,
    long RestoreRemaining,
    double? RestoreEtaSeconds);
