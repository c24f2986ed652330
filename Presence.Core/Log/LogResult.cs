namespace Presence.Core.Log;

/// <summary>Outcome of a call, with the log's own words where it failed.</summary>
/// <param name="Status">What follows from it.</param>
/// <param name="Reason">The cause, for people; null when it went well.</param>
/// <param name="OutsideCause">
/// True when the failure has a cause outside the records sent (a broker is down, a coordinator moved, fenced): repeats
/// of it say nothing about the records.
/// </param>
/// <param name="IsFenced">
/// True when it is fatal because somebody else has initialised the transactional id since. Other fatal results say
/// nothing about the id: whoever holds it can still commit.
/// </param>
public readonly record struct LogResult(LogStatus Status, string? Reason = null, bool OutsideCause = false, bool IsFenced = false)
{
    /// <summary>It went well.</summary>
    public static LogResult Ok => default;

    /// <summary>True when it went well.</summary>
    public bool IsOk => Status == LogStatus.Ok;
}
