using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>The public topics as `topics create` makes them.</summary>
public static class TopicCatalog
{
    private static readonly Dictionary<string, string> Stream = new()
    {
        ["cleanup.policy"] = "delete",
        ["message.timestamp.type"] = "LogAppendTime",
    };

    private static readonly Dictionary<string, string> Table = new()
    {
        ["cleanup.policy"] = "compact",
        ["message.timestamp.type"] = "LogAppendTime",
    };

    // A table whose every version counts for as long as a reader may be behind: of a device's two logins the earlier
    // one may be what a walk-in waits for.
    private static readonly Dictionary<string, string> History = new(Table)
    {
        ["min.compaction.lag.ms"] = "86400000",
    };

    /// <summary>
    /// All public topics. Times of arrival as timestamps, so that retention means arrival and history replayed today
    /// is not deleted at once.
    /// </summary>
    public static IReadOnlyList<TopicSpecification> Public(TopicNames names, int partitions, int? replicationFactor)
    {
        TopicSpecification Make(string name, Dictionary<string, string> configuration) => new(name, partitions, replicationFactor, configuration);
        return
        [
            Make(names.Probes, Stream),
            Make(names.CrmContacts, Stream),
            Make(names.CrmContactsBackfill, Stream),
            Make(names.CrmLogins, Stream),
            Make(names.CrmLoginsBackfill, Stream),
            Make(names.DeviceLogins, Stream),
            Make(names.WalkIns, Stream),
            Make(names.VisitsEnded, Stream),
            Make(names.DeviceToContact, History),
            Make(names.EnrichedWalkIns, Stream),
            Make(names.WalkInCounts, Table),
            Make(names.DeadLetter, Stream),
        ];
    }
}
