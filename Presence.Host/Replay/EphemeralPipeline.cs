using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Host.Configuration;
using Presence.Host.Embedded;
using Presence.Host.Hosting;
using Presence.Host.RocksDb;

namespace Presence.Host.Replay;

/// <summary>The whole pipeline in this process, on an embedded log in a temporary directory that goes with it.</summary>
internal sealed class EphemeralPipeline : IDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(50);

    private readonly DirectoryInfo _directory;
    private readonly TimeProvider _time;
    private readonly ServiceProvider _metrics;
    private readonly StateDirectory _state;
    private readonly EmbeddedLog _log;
    private readonly RocksDbResources _resources;
    private readonly RocksDbStateStoreProvider _stores;
    private readonly PresenceRuntime _runtime;
    private readonly WorkedOffCheck _workedOff;

    private EphemeralPipeline(PresenceOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _time = time;
        _directory = Directory.CreateTempSubdirectory("presence-");
        _metrics = new ServiceCollection().AddMetrics().BuildServiceProvider();
        _state = StateDirectory.Open(Path.Combine(_directory.FullName, "state"), options.InstanceId, Environment.MachineName, out _);
        _log = LogFactory.OpenEmbedded(options, Path.Combine(_directory.FullName, "log"), time, sync: false);
        _resources = new RocksDbResources(options.RocksDb);
        _stores = new RocksDbStateStoreProvider(_state, _resources, time);
        _runtime = RuntimeFactory.Create(options, _state.InstanceId, isAlone: true, _log, _stores, time, _metrics.GetRequiredService<IMeterFactory>(), loggers);
        _workedOff = new WorkedOffCheck(_log.Admin, options.ApplicationId, RuntimeFactory.StagesOf(options));
    }

    /// <summary>The log that feeds it and takes its results.</summary>
    public ILog Log => _log;

    /// <summary>Starts it. Throws IOException and StateDirectoryException.</summary>
    public static EphemeralPipeline Start(PresenceOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        EphemeralPipeline pipeline = new(options, time, loggers);
        pipeline._runtime.Start();
        return pipeline;
    }

    /// <summary>Completes when everything written so far, and what follows from it, has been worked off. Throws <see cref="LogException"/> when it cannot be.</summary>
    public async Task WorkOff(CancellationToken cancellation)
    {
        while (!await _workedOff.IsWorkedOff(cancellation))
        {
            if (_runtime.Completion.IsCompleted)
                throw new LogException($"the pipeline has ended: {_runtime.Status().Reason ?? "no reason given"}");
            if (_runtime.Status().Tasks.FirstOrDefault(t => t.State == Core.Runtime.TaskState.Stopped) is { } stopped)
                throw new LogException($"{stopped.Task} has stopped: {stopped.Reason}");
            await Task.Delay(CheckInterval, _time, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runtime.Dispose();
        _stores.Dispose();
        _log.Dispose();
        _resources.Dispose();
        _state.Dispose();
        _metrics.Dispose();
        _directory.Delete(recursive: true);
    }
}
