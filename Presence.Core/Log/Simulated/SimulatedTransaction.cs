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
public sealed class SimulatedTransaction(string transactionalId, long producerId, int epoch, long firstOffset)
{
    public string TransactionalId { get; } = transactionalId;

    public long ProducerId { get; } = producerId;

    public int Epoch { get; } = epoch;

    public long FirstOffset { get; } = firstOffset;

    public SimulatedTransactionState State { get; set; }

    /// <summary>Its place among all decisions to commit or abort; 0 while it is open.</summary>
    public long DecidedAs { get; set; }

    /// <summary>When it was decided, virtual µs.</summary>
    public long DecidedAt { get; set; }
}
