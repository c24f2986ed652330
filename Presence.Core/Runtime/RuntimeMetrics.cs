using System.Diagnostics.Metrics;

namespace Presence.Core.Runtime;

/// <summary>
/// What the runtime measures, under the meter <c>Presence</c>. Counts are of committed work only: what an aborted
/// transaction did is not in them. No label holds a device, a contact or a key.
/// </summary>
public sealed class RuntimeMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Presence";

    private readonly Counter<long> _processed;
    private readonly Counter<long> _deadLettered;
    private readonly Counter<long> _skipped;
    private readonly Counter<long> _stage;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _commits;
    private readonly Counter<long> _aborts;
    private readonly Counter<long> _restored;
    private readonly Counter<long> _incarnations;
    private readonly Counter<long> _plans;
    private readonly Counter<long> _lifecycle;
    private readonly Histogram<double> _commitDuration;

    /// <summary>Creates the instruments.</summary>
    public RuntimeMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterName);
        _processed = meter.CreateCounter<long>("presence.records.processed", "{record}", "Input records processed, by stage");
        _deadLettered = meter.CreateCounter<long>("presence.records.dead_lettered", "{record}", "Input records sent to the dead-letter topic, by stage and reason");
        _skipped = meter.CreateCounter<long>("presence.records.skipped", "{record}", "Bad input records passed over by policy Skip, by stage and reason");
        _stage = meter.CreateCounter<long>("presence.stage.events", "{event}", "What stages count, such as late sightings, by stage and kind");
        _lost = meter.CreateCounter<long>("presence.records.lost", "{record}", "Input records that retention removed before they were processed, by stage");
        _commits = meter.CreateCounter<long>("presence.commits", "{transaction}", "Transactions committed");
        _aborts = meter.CreateCounter<long>("presence.aborts", "{transaction}", "Transactions aborted");
        _restored = meter.CreateCounter<long>("presence.restore.records", "{record}", "Changelog records replayed at takeovers, by stage");
        _incarnations = meter.CreateCounter<long>("presence.incarnations", "{incarnation}", "Incarnations begun by this process");
        _plans = meter.CreateCounter<long>("presence.plans", "{plan}", "Plans of the fleet read by this process");
        _lifecycle = meter.CreateCounter<long>("presence.lifecycle.events", "{event}", "What happened to the instance and its tasks, by kind");
        _commitDuration = meter.CreateHistogram(
            "presence.commit.duration",
            "s",
            "From the end of feeding to the answer of the commit",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10] });
    }

    /// <summary>Records processed by a stage in one transaction.</summary>
    public void Processed(string stage, long records)
    {
        if (records > 0)
            _processed.Add(records, Stage(stage));
    }

    /// <summary>Records dead-lettered by a stage in one transaction.</summary>
    public void DeadLettered(string stage, string reason, long records) => _deadLettered.Add(records, Stage(stage), Reason(reason));

    /// <summary>Bad records a stage passed over in one transaction.</summary>
    public void Skipped(string stage, string reason, long records) => _skipped.Add(records, Stage(stage), Reason(reason));

    /// <summary>Something a stage counts.</summary>
    public void StageCounted(string stage, string kind, long count) => _stage.Add(count, Stage(stage), new("kind", kind));

    /// <summary>Input that retention removed unprocessed.</summary>
    public void InputLost(string stage, long records) => _lost.Add(records, Stage(stage));

    /// <summary>A transaction was committed.</summary>
    public void Committed(TimeSpan duration)
    {
        _commits.Add(1);
        _commitDuration.Record(duration.TotalSeconds);
    }

    /// <summary>A transaction was aborted.</summary>
    public void Aborted() => _aborts.Add(1);

    /// <summary>A takeover replayed records.</summary>
    public void Restored(string stage, long records)
    {
        if (records > 0)
            _restored.Add(records, Stage(stage));
    }

    /// <summary>An incarnation began.</summary>
    public void IncarnationBegan() => _incarnations.Add(1);

    /// <summary>A plan was read.</summary>
    public void PlanRead() => _plans.Add(1);

    /// <summary>Something happened to the instance or a task.</summary>
    public void Happened(LifecycleKind kind) => _lifecycle.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString()));

    private static KeyValuePair<string, object?> Stage(string stage) => new("stage", stage);

    private static KeyValuePair<string, object?> Reason(string reason) => new("reason", reason);
}
