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

    /// <summary>How often offsets that do not change are committed again, so that the log does not forget them.</summary>
    public TimeSpan RecommitInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Policy by service name; <see cref="BadInputPolicy.DeadLetter"/> where absent.</summary>
    public IReadOnlyDictionary<string, BadInputPolicy> BadInput { get; init; } = new Dictionary<string, BadInputPolicy>();

    /// <summary>The dead-letter topic.</summary>
    public required string DeadLetterTopic { get; init; }

    /// <summary>Copies of internal topics (changelogs, control); null: the broker's default.</summary>
    public int? ReplicationFactor { get; init; }

    /// <summary>How long to wait for another instance's hold on the group to expire before start is refused.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Makes the random id of an incarnation.</summary>
    public Func<string> CreateIncarnationId { get; init; } = () => Guid.NewGuid().ToString("N")[..16];
}
