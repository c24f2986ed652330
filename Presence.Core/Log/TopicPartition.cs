namespace Presence.Core.Log;

/// <summary>One partition of one topic.</summary>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    /// <summary><c>topic[partition]</c>, as logs and errors show it.</summary>
    public override string ToString() => $"{Topic}[{Partition}]";
}
