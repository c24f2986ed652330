namespace Presence.Core.Log;

/// <summary>Outcome of a call on a transactional producer.</summary>
public enum LogStatus
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>
    /// No verdict yet: repeat the same call on the same producer, which resumes it; call nothing else in between.
    /// </summary>
    TimedOut,

    /// <summary>The local send queue is full (Produce only): nothing was taken, repeat.</summary>
    QueueFull,

    /// <summary>
    /// This very record can never be sent, as it is too large or malformed (Produce only). Nothing was taken; the
    /// transaction is as it was.
    /// </summary>
    RecordRejected,

    /// <summary>The transaction has failed and must be aborted; the producer can be used afterwards.</summary>
    Abortable,

    /// <summary>
    /// This producer is finished for good: fenced, expired or broken. Tasks it served go through takeover in a
    /// new incarnation.
    /// </summary>
    Fatal,
}
