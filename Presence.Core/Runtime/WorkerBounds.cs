namespace Presence.Core.Runtime;

/// <summary>The bounds of a worker's loop.</summary>
public static class WorkerBounds
{
    /// <summary>Records taken from the consumer in one step.</summary>
    public const int PollRecordsMax = 4_000;

    /// <summary>Records and timers of one task handled before the next task has its turn.</summary>
    public const int FeedMax = 2_000;

    /// <summary>Records of one input that wait before its partition is paused.</summary>
    public const int QueueRecordsMax = 50_000;

    /// <summary>Records of one input below which its partition is resumed.</summary>
    public const int QueueRecordsResume = 10_000;

    /// <summary>Uncommitted changes of all tasks, bytes, at which a commit begins early.</summary>
    public const int DirtyBytesMax = 16 * 1024 * 1024;

    /// <summary>Longest wait for one answer of the producer within one step.</summary>
    public static readonly TimeSpan CallWait = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a worker with nothing to do waits for records.</summary>
    public static readonly TimeSpan IdleWait = TimeSpan.FromMilliseconds(5);

    /// <summary>Aborts in a row, without a cause outside, after which the culprit is searched.</summary>
    public const int AbortsBeforeSearch = 2;
}
