using System.ComponentModel.DataAnnotations;

namespace Presence.Host.RocksDb;

/// <summary><c>Presence:RocksDb</c>: what all stores of a process share.</summary>
public sealed class RocksDbOptions
{
    /// <summary>Block cache of all stores, index and filter blocks in it, bytes.</summary>
    [Range(8L * 1024 * 1024, 1L << 40)]
    public long BlockCacheBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Memtables of all stores together, bytes; as much again for what replays hold before they write it.</summary>
    [Range(8L * 1024 * 1024, 1L << 40)]
    public long WriteBufferBytes { get; set; } = 128L * 1024 * 1024;

    /// <summary>Open files per store.</summary>
    [Range(16, 100_000)]
    public int OpenFilesMax { get; set; } = 256;
}
