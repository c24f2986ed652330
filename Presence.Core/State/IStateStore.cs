namespace Presence.Core.State;

/// <summary>
/// The durable state of one task on local disk: an ordered map of bytes. Only committed state is ever written to it.
/// Owned by one thread at a time. A failure of the medium is a <see cref="StoreException"/>.
/// </summary>
public interface IStateStore : IDisposable
{
    /// <summary>
    /// Reads a value into <paramref name="destination"/>, which is grown as needed. Returns the value's length in
    /// bytes, or -1 where the key is absent.
    /// </summary>
    int TryGet(ReadOnlySpan<byte> key, ref byte[] destination);

    /// <summary>
    /// Visits entries with <paramref name="from"/> &lt;= key &lt; <paramref name="to"/> in byte order until the visitor
    /// returns false.
    /// </summary>
    void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, StoreVisitor visitor);

    /// <summary>Begins a batch; it replaces one that was begun and not written.</summary>
    void BeginBatch();

    /// <summary>Adds a put to the batch.</summary>
    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Adds a delete to the batch.</summary>
    void Delete(ReadOnlySpan<byte> key);

    /// <summary>Writes the batch: all of it or nothing. Throws <see cref="StoreException"/> when it could not be done; nothing is written from then on.</summary>
    void WriteBatch();

    /// <summary>
    /// Begins to write the batch: all of it or nothing, after those before it. Until <see cref="EndWrite"/> has returned
    /// true reads may see it or not, another batch may be begun, and no other write.
    /// <paramref name="asFile"/>: for the large ones of a replay; costs less per entry, takes its time, and is synced.
    /// </summary>
    void BeginWrite(bool asFile = false);

    /// <summary>Whether the write that was begun last waits for no other store's any more.</summary>
    bool HasBegunToWrite { get; }

    /// <summary>
    /// Whether the write that was begun, if there is one, has been done; <paramref name="wait"/>: waits until it is. Throws
    /// as <see cref="WriteBatch"/> does. A store that is disposed of before may do it or not.
    /// </summary>
    bool EndWrite(bool wait);

    /// <summary>Figures for metrics: bytes on disk, memory in use, estimated keys.</summary>
    StoreFigures Figures { get; }
}

/// <summary>Takes one entry; the spans are valid during the call. Returns whether to go on.</summary>
public delegate bool StoreVisitor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

/// <summary>What a store takes up. Bytes and keys are estimates of the engine.</summary>
public readonly record struct StoreFigures(long DiskBytes, long MemoryBytes, long Keys)
{
    /// <summary>Bytes of committed changes that wait to be written.</summary>
    public long UnwrittenBytes { get; init; }

    /// <summary>Values in the cache before the engine.</summary>
    public long CacheEntries { get; init; }

    /// <summary>Bytes of that cache, keys included.</summary>
    public long CacheBytes { get; init; }

    /// <summary>Reads that the cache answered, since the task began to run.</summary>
    public long CacheHits { get; init; }

    /// <summary>Reads that went on to the engine, since the task began to run.</summary>
    public long CacheMisses { get; init; }
}
