namespace Presence.Core.Runtime;

/// <summary>The bounds of a worker's loop, and with them of what it keeps in memory.</summary>
public sealed class WorkerBounds
{
    /// <summary>Longest wait for one answer of the producer within one step.</summary>
    public static readonly TimeSpan CallWait = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a worker with nothing to do waits for records.</summary>
    public static readonly TimeSpan IdleWait = TimeSpan.FromMilliseconds(5);

    /// <summary>How long a worker with nothing else to do waits for an answer before it looks for records again.</summary>
    public static readonly TimeSpan AheadWait = TimeSpan.FromMilliseconds(2);

    /// <summary>
    /// Longest standstill after which a worker goes on, ms. A broker that forgets a transactional id and that it was fenced
    /// does so after a day at the earliest; a machine that was suspended for longer must not go on where it was.
    /// </summary>
    public const long StandstillMax = 3_600_000;

    /// <summary>Records and timers fed between two looks at a transaction that is on its way.</summary>
    public const int FeedAheadMax = 250;

    /// <summary>Aborts in a row, without a cause outside, after which the culprit is searched.</summary>
    public const int AbortsBeforeSearch = 2;

    /// <summary>Records taken from the consumer in one step.</summary>
    public int PollRecordsMax { get; init; } = 4_000;

    /// <summary>Records and timers of one task handled before the next task has its turn.</summary>
    public int FeedMax { get; init; } = 2_000;

    /// <summary>Records of one input that wait before its partition is not read any more; so at most this and one poll do.</summary>
    public int QueueRecordsMax { get; init; } = 16_000;

    /// <summary>Records of one input below which its partition is read again.</summary>
    public int QueueRecordsResume { get; init; } = 4_000;

    /// <summary>
    /// Uncommitted changes and outputs kept back of all tasks, bytes, at which a commit begins early, and at which nothing
    /// more is fed while one is on its way.
    /// </summary>
    public int DirtyBytesMax { get; init; } = 16 * 1024 * 1024;
}
