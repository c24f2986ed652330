using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.State;
using Presence.Host.Configuration;

namespace Presence.Host.Hosting;

/// <summary>Makes an instance out of a configuration.</summary>
public static class RuntimeFactory
{
    /// <summary>Not started yet. <paramref name="isAlone"/>: the log is in this process, so that no other instance can come.</summary>
    public static PresenceRuntime Create(PresenceOptions options, string instanceId, bool isAlone, ILog log, IStateStoreProvider stores, TimeProvider time, IMeterFactory meters, ILoggerFactory loggers, IReadOnlyList<ILifecycleListener>? listeners = null)
    {
        Instance core = new(InstanceOptionsOf(options, instanceId, isAlone), StagesOf(options), log, stores, time, new RuntimeMetrics(meters), loggers.CreateLogger<Instance>(), listeners);
        return new PresenceRuntime(core, loggers.CreateLogger<PresenceRuntime>());
    }

    /// <summary>The stages of the chosen services, all where none is chosen.</summary>
    public static IReadOnlyList<StageDefinition> StagesOf(PresenceOptions options) => StageCatalog.Create(
        options.Topics.Names(),
        options.WalkIn,
        [.. options.Venues],
        options.EnrichedWalkIn,
        options.WalkInCount,
        options.Stages.Count == 0 ? ServiceNames.All.ToHashSet() : options.Stages.ToHashSet());

    // Nobody listens: its beats are for itself alone.
    private static readonly TimeSpan AloneTimeout = TimeSpan.FromSeconds(30);

    /// <summary>What the runtime must know of the configuration.</summary>
    public static InstanceOptions InstanceOptionsOf(PresenceOptions options, string instanceId, bool isAlone = false) => new()
    {
        ApplicationId = options.ApplicationId,
        InstanceId = instanceId,
        Workers = options.WorkerCount(),
        CommitInterval = options.CommitInterval,
        StoreBounds = options.State.ToBounds(options.RocksDb.WriteBufferBytes),
        BadInput = new Dictionary<string, BadInputPolicy>(options.BadInput),
        DeadLetterTopic = options.Topics.DeadLetter,
        ReplicationFactor = options.Topics.ReplicationFactor,
        Rack = options.Rack,
        Endpoint = options.HttpUrl,
        StandbyReplicas = options.StandbyReplicas,
        HeartbeatTimeout = isAlone ? AloneTimeout : options.HeartbeatTimeout,
        RestartGrace = options.RestartGrace,
        AcceptableLag = options.AcceptableLag,
        InitialRebalanceDelay = isAlone ? TimeSpan.Zero : options.InitialRebalanceDelay,
    };
}
