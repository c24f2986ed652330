namespace Presence.Host.Embedded;

/// <summary>A topic of the embedded log; immutable but for its partitions' positions.</summary>
internal sealed record EmbeddedTopic(string Name, int Number, string Id, IReadOnlyDictionary<string, string> Configuration, EmbeddedPartition[] Partitions)
{
    /// <summary>Whether records get the time of their arrival.</summary>
    public bool StampsArrival { get; } = Configuration.TryGetValue("message.timestamp.type", out string? type) && type == "LogAppendTime";
}
