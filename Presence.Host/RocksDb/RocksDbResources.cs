using System.Runtime.InteropServices;
using RocksDbSharp;

namespace Presence.Host.RocksDb;

/// <summary>
/// What all stores of a process share, so that their memory is bounded together: one block cache, one budget of
/// memtables. Disposed after the last store.
/// </summary>
public sealed class RocksDbResources : IDisposable
{
    private readonly Cache _cache;
    private readonly RocksDbOptions _options;
    private readonly Lock _gate = new();
    private IntPtr _writeBufferManager;

    // Of running tasks, and of replays: those take longer, and wait for compactions that are behind.
    internal StoreThreads Writes { get; } = new("presence-writes", Math.Max(2, Environment.ProcessorCount));

    internal StoreThreads Files { get; } = new("presence-files", Math.Clamp(Environment.ProcessorCount, 1, 4));

    // More than one, since each waits for its disk for a part of the time; not so many that they keep one another from getting on.
    internal StoreThreads Openings { get; } = new("presence-opens", Math.Clamp(Environment.ProcessorCount, 2, 8));

    /// <summary>Allocates the budgets.</summary>
    public RocksDbResources(RocksDbOptions options)
    {
        _options = options;
        _cache = Cache.CreateLru((ulong)options.BlockCacheBytes);
        _writeBufferManager = Native.Instance.rocksdb_write_buffer_manager_create((UIntPtr)options.WriteBufferBytes, 0);
    }

    /// <summary>Bytes of blocks and memtables in memory.</summary>
    public long MemoryBytes
    {
        get
        {
            lock (_gate)
                return (long)_cache.GetUsage() + (_writeBufferManager == IntPtr.Zero ? 0 : (long)Native.Instance.rocksdb_write_buffer_manager_memory_usage(_writeBufferManager));
        }
    }

    /// <summary>Options of one database; small values, point reads, few scans.</summary>
    public DbOptions CreateDbOptions()
    {
        // An opening may be under way while a process ends that does not wait for it.
        using Lock.Scope scope = _gate.EnterScope();
        ObjectDisposedException.ThrowIf(_writeBufferManager == IntPtr.Zero, this);
        BlockBasedTableOptions table = new BlockBasedTableOptions()
            .SetBlockSize(8 * 1024)
            .SetBlockCache(_cache)
            // One of its own: the table options take the policy over and free it, so a shared one would be freed twice.
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false))
            .SetFormatVersion(5)
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true);
        DbOptions options = new DbOptions()
            .SetCreateIfMissing(true)
            .SetBlockBasedTableFactory(table)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize(16 * 1024 * 1024)
            .SetMaxWriteBufferNumber(3)
            // Each merge with the level below rewrites most of that; filters spare reads the search of files.
            .SetLevel0FileNumCompactionTrigger(DeferredCompactions.FilesMin)
            // Above what is left unmerged while a store has its compactions off.
            .SetLevel0SlowdownWritesTrigger(DeferredCompactions.FilesMax + 8)
            .SetLevel0StopWritesTrigger(DeferredCompactions.FilesMax + 24)
            // Every device seen for the first time is asked for in vain: the filter spares the search of the memtable.
            .SetMemtablePrefixBloomSizeRatio(0.05)
            // One thread writes: its inserts need no atomic operations.
            .SetAllowConcurrentMemtableWrite(false)
            .SetMaxOpenFiles(_options.OpenFilesMax)
            .SetMaxBackgroundCompactions(2)
            .SetMaxBackgroundFlushes(1)
            .SetWalRecoveryMode(Recovery.PointInTime)
            .SetKeepLogFileNum(2)
            .SetMaxLogFileSize(1024 * 1024);
        Native.Instance.rocksdb_options_set_memtable_whole_key_filtering(options.Handle, 1);
        Native.Instance.rocksdb_options_set_write_buffer_manager(options.Handle, _writeBufferManager);
        // A store takes the disk it uses: reserved ahead, each of hundreds would take 18 MB for its log at once.
        IntPtr text = Marshal.StringToCoTaskMemUTF8("allow_fallocate=false");
        Native.Instance.rocksdb_get_options_from_string(options.Handle, text, options.Handle);
        Marshal.FreeCoTaskMem(text);
        return options;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using Lock.Scope scope = _gate.EnterScope();
        if (_writeBufferManager == IntPtr.Zero)
            return;
        Writes.End();
        Files.End();
        Openings.End();
        Native.Instance.rocksdb_write_buffer_manager_destroy(_writeBufferManager);
        _writeBufferManager = IntPtr.Zero;
    }
}
