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
    IReadOnlyList<StatusTask> Tasks);

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

/// <summary>Over all tasks.</summary>
/// <param name="LagRecords">Null when no task knows its own.</param>
/// <param name="LagSeconds">The largest; null when no task knows its own.</param>
/// <param name="RestoreEtaSeconds">Null: nothing to restore, or its pace is not known yet.</param>
internal sealed record StatusTotals(
    int Tasks,
    int Running,
    int Restoring,
    int Stopped,
    long? LagRecords,
    double? LagSeconds,
    long StoreKeys,
    long StoreBytes,
    long RestoreRemaining,
    double? RestoreEtaSeconds);
