namespace Presence.Core.Log;

/// <summary>What a reader sees of transactions.</summary>
public enum IsolationLevel
{
    /// <summary>Everything up to the high watermark, open and aborted transactions included.</summary>
    ReadUncommitted,

    /// <summary>Committed records only, up to the last stable offset.</summary>
    ReadCommitted,
}
