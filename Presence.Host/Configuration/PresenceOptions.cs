using System.ComponentModel.DataAnnotations;
using Presence.Core.Runtime;
using Presence.Core.Stages.Counting;
using Presence.Core.Stages.Enrichment;
using Presence.Core.Stages.WalkIn;
using Presence.Host.RocksDb;

namespace Presence.Host.Configuration;

/// <summary>Everything under <c>Presence</c>. Each key is read at start; a change needs a restart.</summary>
public sealed class PresenceOptions
{
    /// <summary>Prefix of groups, changelogs, transactional ids and control topics.</summary>
    public string ApplicationId { get; set; } = "presence";

    /// <summary>Services this instance runs; empty: all.</summary>
    public IList<string> Stages { get; set; } = [];

    /// <summary>Where the stores are.</summary>
    public string StateDirectory { get; set; } = "state";

    /// <summary>Stable name; empty: the one kept in the state directory, else the host name.</summary>
    public string InstanceId { get; set; } = "";

    /// <summary>Failure zone.</summary>
    public string Rack { get; set; } = "";

    /// <summary>Worker threads; 0: the number of cores.</summary>
    [Range(0, 256)]
    public int Workers { get; set; }

    /// <summary>Replicas of each task's state on other instances.</summary>
    [Range(0, 10)]
    public int StandbyReplicas { get; set; } = 1;

    /// <summary>Longest time between two commits of a worker with work.</summary>
    [Range(typeof(TimeSpan), "00:00:00.005", "00:00:05")]
    public TimeSpan CommitInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Silence after which an instance is dead.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:10:00")]
    public TimeSpan HeartbeatTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long the tasks of a stopped instance are held for it.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan RestartGrace { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the first plan waits for a fleet to come up.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan InitialRebalanceDelay { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Changelog records by which a copy may be behind the furthest one where a task is to go on at once.</summary>
    [Range(0, 100_000_000)]
    public int AcceptableLag { get; set; } = 10_000;

    /// <summary>Policy by service.</summary>
    public IDictionary<string, BadInputPolicy> BadInput { get; set; } = new Dictionary<string, BadInputPolicy>();

    public WalkInOptions WalkIn { get; set; } = new();

    /// <summary>Venues that differ from the defaults.</summary>
    public IList<VenueOptions> Venues { get; set; } = [];

    public EnrichedWalkInOptions EnrichedWalkIn { get; set; } = new();

    public WalkInCountOptions WalkInCount { get; set; } = new();

    /// <summary>Where page, API, health and ingest listen; empty: nowhere.</summary>
    public string HttpUrl { get; set; } = "http://127.0.0.1:8080";

    public TopicOptions Topics { get; set; } = new();

    public IngestOptions Ingest { get; set; } = new();

    public StateOptions State { get; set; } = new();

    public RocksDbOptions RocksDb { get; set; } = new();

    /// <summary>Workers in force.</summary>
    internal int WorkerCount() => Workers > 0 ? Workers : Environment.ProcessorCount;
}
