using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>Where a task writes.</summary>
/// <param name="Changelog">Its changelog partition.</param>
/// <param name="OutputPartitions">Partition count of each output of its stage.</param>
/// <param name="DeadLetter">The dead-letter topic.</param>
/// <param name="DeadLetterPartitions">Its partition count.</param>
public sealed record TaskTopics(TopicPartition Changelog, IReadOnlyList<int> OutputPartitions, string DeadLetter, int DeadLetterPartitions);
