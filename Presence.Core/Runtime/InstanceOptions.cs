using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>What the runtime must know of its instance; validated by the host.</summary>
public sealed class InstanceOptions
{
    /// <summary>Prefix of groups, changelogs, transactional ids and control topics.</summary>
    public required string ApplicationId { get; init; }

    /// <summary>Name of this instance, stable over restarts.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Worker threads.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Longest time between two commits of a worker with work.</summary>
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Bounds of each worker's loop.</summary>
    public WorkerBounds Bounds { get; init; } = new();

    /// <summary>Bounds of each task's state in memory.</summary>
    public StoreBounds StoreBounds { get; init; } = new();

    /// <summary>How often offsets that do not change are committed again, so that the log does not forget them.</summary>
    public TimeSpan RecommitInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Policy by service name; <see cref="BadInputPolicy.DeadLetter"/> where absent.</summary>
    public IReadOnlyDictionary<string, BadInputPolicy> BadInput { get; init; } = new Dictionary<string, BadInputPolicy>();

    /// <summary>The dead-letter topic.</summary>
    public required string DeadLetterTopic { get; init; }

    /// <summary>Copies of internal topics (changelogs, control); null: the broker's default.</summary>
    public int? ReplicationFactor { get; init; }

    /// <summary>Failure zone; empty where there is none.</summary>
    public string Rack { get; init; } = "";

    /// <summary>Where its page is, for the other instances' pages; may be empty.</summary>
    public string Endpoint { get; init; } = "";

    /// <summary>Copies of each task's state beside the active one.</summary>
    public int StandbyReplicas { get; init; } = 1;

    /// <summary>Silence after which an incarnation is taken for dead.</summary>
    public TimeSpan HeartbeatTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often an incarnation announces itself, and the planner itself.</summary>
    public TimeSpan BeatInterval => HeartbeatTimeout / 6;

    /// <summary>How long the tasks of an instance that has ended cleanly wait for it where nobody has a ready copy.</summary>
    public TimeSpan RestartGrace { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the first plan waits for a fleet to come up.</summary>
    public TimeSpan InitialRebalanceDelay { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a copy that nobody needs stays on its disk: whoever comes back soon goes on with it.</summary>
    public TimeSpan ObsoleteAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Changelog records by which a copy may lag behind and still count as caught up.</summary>
    public long AcceptableLag { get; init; } = 10_000;

    /// <summary>Tasks that may warm up on their next owner at once, over the whole fleet.</summary>
    public int WarmingMax { get; init; } = 8;

    /// <summary>
    /// After which a loop that does not come back gives the incarnation up: it says so, is fenced, and the process ends.
    /// Shorter than the log's transaction time-out.
    /// </summary>
    public TimeSpan StuckLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Makes the random id of an incarnation.</summary>
    public Func<string> CreateIncarnationId { get; init; } = () => Guid.NewGuid().ToString("N")[..16];

    /// <summary>The consumer group that holds a service's positions.</summary>
    public string GroupOf(string service) => $"{ApplicationId}-{service}";
}
