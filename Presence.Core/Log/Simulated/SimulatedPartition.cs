namespace Presence.Core.Log.Simulated;

/// <summary>One partition: records in the order of their offsets (with gaps, after compaction), and what is open in it.</summary>
public sealed class SimulatedPartition(TopicPartition id, bool keepsHistory)
{
    private readonly List<SimulatedTransaction> _open = [];
    private readonly List<SimulatedRecord> _records = [];
    private readonly List<SimulatedRecord> _history = [];

    public TopicPartition Id { get; } = id;

    /// <summary>What is still there.</summary>
    public IReadOnlyList<SimulatedRecord> Records => _records;

    /// <summary>All that ever was written, whatever compaction and retention took away.</summary>
    public IEnumerable<SimulatedRecord> Everything => keepsHistory ? _history : _records;

    public long Start { get; private set; }

    /// <summary>The high watermark: the offset the next record gets.</summary>
    public long End { get; private set; }

    /// <summary>The last stable offset: no transaction is open below it.</summary>
    public long StableEnd => _open.Count == 0 ? End : _open.Min(t => t.FirstOffset);

    /// <summary>Appends a record; returns its offset.</summary>
    public long Append(byte[]? key, byte[]? value, long timestamp, RecordHeader[] headers, SimulatedTransaction? transaction)
    {
        Add(new SimulatedRecord(End, key, value, timestamp, headers, transaction, IsMarker: false));
        return End - 1;
    }

    /// <summary>Opens a transaction at the end.</summary>
    public SimulatedTransaction Open(string transactionalId, long producerId, int epoch)
    {
        SimulatedTransaction transaction = new(transactionalId, producerId, epoch, End);
        _open.Add(transaction);
        return transaction;
    }

    /// <summary>Writes the marker of a transaction, which takes an offset.</summary>
    public void Close(SimulatedTransaction transaction, bool commit)
    {
        transaction.State = commit ? SimulatedTransactionState.Committed : SimulatedTransactionState.Aborted;
        _open.Remove(transaction);
        Add(new SimulatedRecord(End, null, null, 0, [], transaction, IsMarker: true));
    }

    /// <summary>Index of the first record at or past an offset.</summary>
    public int IndexOf(long offset)
    {
        int low = 0, high = _records.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_records[middle].Offset < offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    /// <summary>
    /// Keeps the last committed record of each key below <paramref name="until"/>, and a tombstone for
    /// <paramref name="tombstoneRetention"/> ms after it was first compacted, and with it what it deletes was taken away: who
    /// has read that has so much time to read the tombstone. What is open or above stays as it is.
    /// </summary>
    public void Compact(long until, long now, long tombstoneRetention)
    {
        until = Math.Min(until, StableEnd);
        Dictionary<string, long> last = [];
        foreach (SimulatedRecord record in _records)
        {
            if (record.Offset >= until || record is not { IsVisible: true, Key: not null })
                continue;
            last[Convert.ToHexString(record.Key)] = record.Offset;
            if (record.Value is null)
                record.CompactedAt ??= now;
        }

        // As Kafka: the last record of a log segment that is still written to is never taken away.
        _records.RemoveAll(r => r.Offset < until && r.Offset != End - 1
            && (!r.IsVisible || r.Key is null || last[Convert.ToHexString(r.Key)] != r.Offset || now - r.CompactedAt > tombstoneRetention));
    }

    /// <summary>Takes away what lies below an offset.</summary>
    public void Truncate(long until)
    {
        Start = Math.Max(Start, Math.Min(until, StableEnd));
        _records.RemoveAll(r => r.Offset < Start);
    }

    private void Add(SimulatedRecord record)
    {
        _records.Add(record);
        if (keepsHistory)
            _history.Add(record);
        End++;
    }
}
