namespace Presence.Host.Embedded;

/// <summary>One partition: where it begins and ends, and which transactions are open on it. Guarded by the log's gate.</summary>
internal sealed class EmbeddedPartition(int topic, int partition)
{
    private readonly SortedSet<long> _open = [];

    public int Topic { get; } = topic;

    public int Partition { get; } = partition;

    /// <summary>First offset that may still be there.</summary>
    public long Start { get; set; }

    /// <summary>The offset the next record gets.</summary>
    public long End { get; set; }

    /// <summary>Records appended since the partition was last compacted or trimmed.</summary>
    public long Dirty { get; set; }

    /// <summary>Up to here everything is decided: readers go no further.</summary>
    public long LastStable => _open.Count == 0 ? End : _open.Min;

    public void Opened(long firstOffset) => _open.Add(firstOffset);

    public void Closed(long firstOffset) => _open.Remove(firstOffset);
}
