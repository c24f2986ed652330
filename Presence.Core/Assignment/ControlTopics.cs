using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>The topics with which the instances of an application find to each other.</summary>
public static class ControlTopics
{
    /// <summary>Plans, verdicts, the planner's signs of life: written by the planner alone, read by all, compacted.</summary>
    public static string ControlOf(string application) => $"{application}-control";

    /// <summary>Announcements: written by all, read by the planner and its deputies; what is older than minutes goes.</summary>
    public static string FleetOf(string application) => $"{application}-fleet";

    /// <summary>Both, with one partition each.</summary>
    public static IReadOnlyList<TopicSpecification> Specifications(string application, int? replicationFactor) =>
    [
        new(ControlOf(application), 1, replicationFactor, new Dictionary<string, string>
        {
            ["cleanup.policy"] = "compact",
            ["segment.ms"] = "300000",
            ["min.cleanable.dirty.ratio"] = "0.1",
        }),
        // Silence is measured by the clock of this partition's leader.
        new(FleetOf(application), 1, replicationFactor, new Dictionary<string, string>
        {
            ["cleanup.policy"] = "delete",
            ["retention.ms"] = "600000",
            ["segment.ms"] = "300000",
            ["message.timestamp.type"] = "LogAppendTime",
        }),
    ];
}
