using Presence.Core.Log;

namespace Presence.Host.Embedded;

/// <summary>
/// What an open transaction holds: records with the offsets they were given, and positions. It lives in memory until
/// the commit writes it whole; a crash therefore aborts it.
/// </summary>
internal sealed class EmbeddedTransaction
{
    public List<(EmbeddedPartition Partition, long Offset, byte[] Record)> Records { get; } = [];

    /// <summary>First offset per partition touched.</summary>
    public Dictionary<EmbeddedPartition, long> First { get; } = [];

    public Dictionary<(string Group, TopicPartition Partition), long> Offsets { get; } = [];
}
