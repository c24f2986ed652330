namespace Presence.Core.Log.Simulated;

/// <summary>Where a transaction stands, seen from one partition.</summary>
public enum SimulatedTransactionState
{
    /// <summary>No marker yet.</summary>
    Open,

    /// <summary>The commit marker is written.</summary>
    Committed,

    /// <summary>The abort marker is written.</summary>
    Aborted,
}

/// <summary>One transaction at one partition.</summary>
public sealed class SimulatedTransaction(long producerId, int epoch, long firstOffset)
{
    public long ProducerId { get; } = producerId;

    public int Epoch { get; } = epoch;

    public long FirstOffset { get; } = firstOffset;

    public SimulatedTransactionState State { get; set; }
}
