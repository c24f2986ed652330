using Presence.Core.State;
using RocksDbSharp;

namespace Presence.Host.RocksDb;

/// <summary>
/// One task's store in one RocksDB. The WAL is on and not synced: a killed process loses nothing, a power loss only the
/// newest batches, whole ones, in order; the changelog offset in each batch says where to go on. What is written as a file
/// is synced.
/// </summary>
public sealed class RocksDbStateStore : IStateStore
{
    private static readonly TimeSpan FiguresAge = TimeSpan.FromSeconds(5);

    private readonly RocksDbSharp.RocksDb _db;
    private readonly RocksDbResources _resources;
    private RocksDbWrite _batch;

    // On its way to the disk, or done and empty.
    private RocksDbWrite _writing;
    private readonly CopyOut _copyOut = new();
    private readonly TimeProvider _time;
    private readonly string _path;
    private StoreFigures _figures;
    private long _figuresAt;
    private bool _disposed;

    /// <summary>Opens or creates the database at <paramref name="path"/>.</summary>
    public RocksDbStateStore(string path, RocksDbResources resources, TimeProvider time)
    {
        _path = path;
        _time = time;
        _resources = resources;
        try
        {
            Directory.CreateDirectory(path);
            RocksDbTableFile.Clear(path);
            DbOptions options = DeferredCompactions.Defer(resources.CreateDbOptions());
            _db = RocksDbSharp.RocksDb.Open(options, path);
            RocksDbTableFile file = new(_db, options, path);
            DeferredCompactions compactions = new(_db, time);
            compactions.Step(addsFile: true);
            _batch = new RocksDbWrite(_db, file, compactions);
            _writing = new RocksDbWrite(_db, file, compactions);
        }
        catch (RocksDbException e)
        {
            throw RocksDbErrors.Of($"{path} cannot be opened", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{path} cannot be opened: {e.Message}", isCorruption: false, e);
        }
    }

    /// <inheritdoc/>
    public StoreFigures Figures
    {
        get
        {
            if (_figuresAt != 0 && _time.GetElapsedTime(_figuresAt) < FiguresAge)
                return _figures;
            _figuresAt = _time.GetTimestamp();
            return _figures = new StoreFigures(Property("rocksdb.total-sst-files-size"), Property("rocksdb.cur-size-all-mem-tables"), Property("rocksdb.estimate-num-keys"));
        }
    }

    /// <inheritdoc/>
    public int TryGet(ReadOnlySpan<byte> key, ref byte[] destination)
    {
        try
        {
            _copyOut.Buffer = destination;
            int length = _db.Get(key, _copyOut) - 1;
            destination = _copyOut.Buffer;
            return length;
        }
        catch (RocksDbException e)
        {
            throw RocksDbErrors.Of($"{_path} cannot be read", e);
        }
    }

    /// <inheritdoc/>
    public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, StoreVisitor visitor)
    {
        try
        {
            using Iterator iterator = _db.NewIterator();
            for (iterator.Seek(from); iterator.Valid(); iterator.Next())
            {
                ReadOnlySpan<byte> key = iterator.GetKeySpan();
                if (key.SequenceCompareTo(to) >= 0 || !visitor(key, iterator.GetValueSpan()))
                    return;
            }

            RocksDbErrors.ThrowIfFailed(iterator);
        }
        catch (RocksDbException e)
        {
            throw RocksDbErrors.Of($"{_path} cannot be scanned", e);
        }
    }

    /// <inheritdoc/>
    public void BeginBatch() => _batch.Clear();

    /// <inheritdoc/>
    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _batch.Put(key, value);

    /// <inheritdoc/>
    public void Delete(ReadOnlySpan<byte> key) => _batch.Delete(key);

    /// <inheritdoc/>
    public void WriteBatch()
    {
        Take();
        _writing.Write();
        EndWrite(wait: true);
    }

    /// <inheritdoc/>
    public void BeginWrite(bool asFile = false)
    {
        Take();
        _writing.Start(asFile ? _resources.Files : _resources.Writes, asFile);
    }

    /// <inheritdoc/>
    public bool HasBegunToWrite => _writing.HasBegun;

    /// <inheritdoc/>
    public bool EndWrite(bool wait)
    {
        try
        {
            return _writing.IsDone(wait);
        }
        catch (RocksDbException e)
        {
            throw RocksDbErrors.Of($"{_path} cannot be written", e);
        }
        catch (InvalidOperationException e)
        {
            throw new StoreException($"{_path} cannot be written: {e.Message}", isCorruption: false, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _writing.Dispose();
        _batch.Dispose();
        _db.Dispose();
    }

    // After a failed write nothing may follow that could be taken for complete.
    private void Take()
    {
        if (!EndWrite(wait: false))
            throw new InvalidOperationException($"{_path} is being written.");
        (_batch, _writing) = (_writing, _batch);
    }

    private long Property(string name) => long.TryParse(_db.GetProperty(name), out long value) ? value : 0;

    /// <summary>Copies a value out; returns its length + 1, so that 0 (the default) means absent.</summary>
    private sealed class CopyOut : ISpanDeserializer<int>
    {
        public byte[] Buffer = [];

        public int Deserialize(ReadOnlySpan<byte> buffer)
        {
            if (Buffer.Length < buffer.Length)
                Buffer = new byte[Math.Max(buffer.Length, Buffer.Length * 2)];
            buffer.CopyTo(Buffer);
            return buffer.Length + 1;
        }
    }
}
