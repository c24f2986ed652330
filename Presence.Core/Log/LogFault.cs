namespace Presence.Core.Log;

/// <summary>Why a partition cannot be read on from where it stands. The reader's position stays.</summary>
public enum LogFault
{
    /// <summary>The batch at the offset is damaged (CRC). Resume by <see cref="ILogConsumer.Add"/> at a later offset.</summary>
    CorruptBatch,

    /// <summary>The offset lies before the log's start: retention has passed it.</summary>
    OffsetBelowStart,

    /// <summary>The offset lies beyond the log's end.</summary>
    OffsetBeyondEnd,

    /// <summary>The topic or partition does not exist (any more).</summary>
    UnknownPartition,

    /// <summary>The log cannot be reached at the moment; the client goes on trying by itself.</summary>
    Unreachable,

    /// <summary>Access is denied.</summary>
    Unauthorized,
}
