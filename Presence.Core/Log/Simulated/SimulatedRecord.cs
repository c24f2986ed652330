namespace Presence.Core.Log.Simulated;

/// <summary>What a simulated partition holds at one offset; a commit or abort marker has neither key nor value.</summary>
public sealed record SimulatedRecord(long Offset, byte[]? Key, byte[]? Value, long Timestamp, RecordHeader[] Headers, SimulatedTransaction? Transaction, bool IsMarker)
{
    /// <summary>Of a tombstone: when it was first compacted, ms; null: never yet.</summary>
    public long? CompactedAt { get; set; }

    /// <summary>Whether a reader of committed records sees it, once it lies below the last stable offset.</summary>
    public bool IsVisible => !IsMarker && Transaction is not { State: SimulatedTransactionState.Aborted };
}
