using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>How a task's feeding ended.</summary>
public enum FeedOutcome
{
    /// <summary>Nothing is left to do now.</summary>
    Idle,

    /// <summary>There are records, but an input that is not read to its end may still hold an earlier one.</summary>
    Waiting,

    /// <summary>The budget is used up; there is more.</summary>
    Budget,

    /// <summary>The producer takes nothing for the moment.</summary>
    Blocked,

    /// <summary>The producer failed; see <see cref="FeedResult.Log"/>.</summary>
    ProducerFailed,

    /// <summary>A record cannot be processed: the transaction must be aborted, and the record put aside.</summary>
    RecordFailed,

    /// <summary>The task has stopped before a record, for its policy or since it cannot go on.</summary>
    Stopped,
}

/// <summary>How a task's feeding ended, and with what.</summary>
/// <param name="Outcome">How.</param>
/// <param name="Records">Records and timers handled.</param>
/// <param name="Log">The producer's word, for ProducerFailed.</param>
/// <param name="Reason">For RecordFailed and Stopped.</param>
/// <param name="Input">The input concerned, for RecordFailed and Waiting.</param>
/// <param name="Offset">The record concerned, for RecordFailed.</param>
public readonly record struct FeedResult(FeedOutcome Outcome, int Records, LogResult Log = default, string? Reason = null, int Input = -1, long Offset = -1);
