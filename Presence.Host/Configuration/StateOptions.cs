using System.ComponentModel.DataAnnotations;
using Presence.Core.State;

namespace Presence.Host.Configuration;

/// <summary><c>Presence:State</c>: what each task's state keeps in memory before its disk.</summary>
public sealed class StateOptions
{
    /// <summary>How long committed changes may wait to be written: what a crash leaves to be replayed.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan WriteInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Committed changes of one task that may wait to be written, bytes.</summary>
    [Range(64 * 1024, 256 * 1024 * 1024)]
    public int UnwrittenBytes { get; set; } = 2 * 1024 * 1024;

    /// <summary>Values of one task that are held for the next read, bytes.</summary>
    [Range(64 * 1024, 1024 * 1024 * 1024)]
    public int CacheBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>For the runtime. Memory for what replays hold is as large as that for memtables, or a quarter more: an entry takes up to two and a half times its bytes.</summary>
    internal StoreBounds ToBounds(long writeBufferBytes) => new() { WriteInterval = WriteInterval, UnwrittenBytesMax = UnwrittenBytes, CacheBytesMax = CacheBytes, RestoreBytesMax = writeBufferBytes / 2 };
}
