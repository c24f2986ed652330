using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Presence.Core.Runtime;
using Presence.Host.Hosting;
using Presence.Host.RocksDb;

namespace Presence.Host.Telemetry;

/// <summary>What the state of an instance gives to measure, looked at when it is asked for.</summary>
internal sealed class InstanceGauges : IHostedService
{
    private readonly IPresenceRuntime _runtime;

    public InstanceGauges(IMeterFactory meters, IPresenceRuntime runtime, RocksDbResources resources, StateDirectory directory)
    {
        _runtime = runtime;
        Meter meter = meters.Create(RuntimeMetrics.MeterName);
        meter.CreateObservableGauge("presence.tasks", Tasks, "{task}", "Tasks of this instance, by stage, role and state");
        meter.CreateObservableGauge("presence.lag", () => PerTask(t => t.LagRecords), "{record}", "Records between a task's position and the end of its inputs; -1 not known");
        meter.CreateObservableGauge("presence.lag.duration", () => PerTask(t => t.LagSeconds), "s", "Age of the record a task that is behind processed last; 0 when caught up, -1 not known");
        meter.CreateObservableGauge("presence.restore.remaining", () => PerTask(t => t.RestoreRemaining), "{record}", "Changelog records still to replay");
        meter.CreateObservableGauge("presence.store.keys", () => PerTask(t => t.StoreKeys), "{key}", "Estimated entries of a task's store, timers included");
        meter.CreateObservableGauge("presence.store.size", () => PerTask(t => t.StoreBytes), "By", "Bytes of a task's store on disk");
        meter.CreateObservableGauge("presence.store.unwritten", () => PerTask(t => t.Store.UnwrittenBytes), "By", "Committed changes of a task that wait for the disk");
        meter.CreateObservableGauge("presence.cache.entries", () => PerTask(t => t.Store.CacheEntries), "{value}", "Values a task holds for the next read");
        meter.CreateObservableGauge("presence.cache.size", () => PerTask(t => t.Store.CacheBytes), "By", "Bytes of those values, keys included");
        meter.CreateObservableCounter("presence.cache.hits", () => PerTask(t => t.Store.CacheHits), "{read}", "Reads of state that the cache answered");
        meter.CreateObservableCounter("presence.cache.misses", () => PerTask(t => t.Store.CacheMisses), "{read}", "Reads of state that went on to the store");
        meter.CreateObservableGauge("presence.rocksdb.memory", () => resources.MemoryBytes, "By", "Block cache and memtables of all stores");
        meter.CreateObservableGauge("presence.disk.free", () => new DriveInfo(directory.Path).AvailableFreeSpace, "By", "Free space where the state directory is");
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private IEnumerable<Measurement<int>> Tasks() => _runtime.Status().Tasks
        .GroupBy(t => (t.Task.Stage, t.Role, t.State))
        .Select(g => new Measurement<int>(g.Count(), new("stage", g.Key.Stage), new("role", g.Key.Role), new("state", g.Key.State.ToString())));

    private IEnumerable<Measurement<T>> PerTask<T>(Func<Core.Runtime.TaskStatus, T> figure)
        where T : struct => _runtime.Status().Tasks
        .Select(t => new Measurement<T>(figure(t), new("stage", t.Task.Stage), new("partition", t.Task.Partition)));
}
