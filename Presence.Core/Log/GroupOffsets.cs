namespace Presence.Core.Log;

/// <summary>Positions of one consumer group.</summary>
/// <param name="Group">The group's id.</param>
/// <param name="Offsets">The next offset to read of each partition; at least one.</param>
public readonly record struct GroupOffsets(string Group, List<(TopicPartition Partition, long Offset)> Offsets);
