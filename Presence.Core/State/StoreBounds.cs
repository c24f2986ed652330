namespace Presence.Core.State;

/// <summary>What a task's state may keep in memory before its disk.</summary>
public sealed class StoreBounds
{
    /// <summary>How long committed changes may wait until they are written, which takes its time; for that long, twice at most, they may have to be replayed after a crash. Zero: not at all.</summary>
    public TimeSpan WriteInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes of committed changes that may wait to be written, keys included; as many again may be on their way.</summary>
    public int UnwrittenBytesMax { get; init; } = 2 * 1024 * 1024;

    /// <summary>Bytes of values read or written lately, keys included.</summary>
    public int CacheBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Bytes that all replays of an instance hold together before they write them; the memory for it can be two and a half times that.</summary>
    public long RestoreBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes that each replay may hold, however many there are.</summary>
    public int RestoreBytesMin { get; init; } = 256 * 1024;

    /// <summary>Bytes from which on what a replay writes is a file of its own; smaller files would be merged too often.</summary>
    public int FileBytesMin { get; init; } = 4 * 1024 * 1024;

    /// <summary>Timers in memory; the rest, all later than these, stay on disk.</summary>
    public int TimersMax { get; init; } = 64 * 1024;
}
