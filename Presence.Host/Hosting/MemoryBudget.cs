using Presence.Core.Runtime;
using Presence.Host.Configuration;

namespace Presence.Host.Hosting;

/// <summary>What an instance may come to take of memory, as it is configured; bytes.</summary>
/// <param name="Blocks">Block cache of all stores.</param>
/// <param name="Memtables">Memtables of all stores.</param>
/// <param name="Replays">What replays of changelogs hold before they write it.</param>
/// <param name="Workers">What the workers have read ahead, have not sent yet, have not committed, and have committed in one go.</param>
/// <param name="PerTask">State of one task before its disk.</param>
public sealed record MemoryBudget(long Blocks, long Memtables, long Replays, long Workers, long PerTask)
{
    private const long MiB = 1024 * 1024;

    // An instance without tasks: runtime, code, clients, page (docs/benchmarks.md).
    private const long Process = 160 * MiB;

    // A worker's consumer and producer, as KafkaConsumer and KafkaProducer bound them, and what is not committed. A commit
    // joins what waits for the disk as a whole, while the one before it may be on its way, in a batch of twice its size, of
    // which there is a second one, in order, while it is written; a worker writes one store after the other.
    private static readonly long PerWorker = ((32 + 128) * MiB) + (8 * new WorkerBounds().DirtyBytesMax);

    /// <summary>Of a configuration.</summary>
    public static MemoryBudget Of(Settings settings) => new(
        settings.Presence.RocksDb.BlockCacheBytes,
        settings.Presence.RocksDb.WriteBufferBytes,
        // An entry lies behind a header, and has its place in the order while a batch is sorted: one of 30 bytes takes 72.
        5 * settings.Presence.State.ToBounds(settings.Presence.RocksDb.WriteBufferBytes).RestoreBytesMax / 2,
        settings.IsEmbedded ? 0 : PerWorker * settings.Presence.WorkerCount(),
        // While so much is on its way to the disk, in a batch that takes up to twice its size, as much again may come.
        (4L * settings.Presence.State.UnwrittenBytes) + settings.Presence.State.CacheBytes);

    /// <summary>All but the tasks', of which nobody knows the number yet.</summary>
    public long Shared => Blocks + Memtables + Replays + Workers + Process;

    /// <summary>Why it cannot work within a limit, with what to do; null where it can, or where there is none.</summary>
    public string? Problem(long? limit) => limit is not { } bytes || Blocks + Memtables <= bytes ? null
        : $"Presence:RocksDb:BlockCacheBytes: '{Blocks}' and Presence:RocksDb:WriteBufferBytes: '{Memtables}' do not fit into the {bytes / MiB} MiB that this container or service may take. Allowed: both together at most {bytes}, and better {Math.Max(0, bytes - Process)}, beside {Process / MiB} MiB of the process itself; lower them, or raise the limit.";

    /// <summary>Whether it may come to take more than a limit.</summary>
    public bool MayExceed(long? limit) => Shared > limit;

    /// <summary>In words.</summary>
    public string Describe(long? limit) =>
        $"{Shared / MiB} MiB at most (blocks {Blocks / MiB}, memtables {Memtables / MiB}, replays {Replays / MiB}, read ahead, unsent, uncommitted and just committed {Workers / MiB}, the process itself {Process / MiB}) and {PerTask / MiB} MiB for each task, "
        + (limit is { } bytes ? $"of {bytes / MiB} MiB that this container or service may take" : "without a limit of a container or service");
}
