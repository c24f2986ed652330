using System.Runtime.ExceptionServices;
using RocksDbSharp;

namespace Presence.Host.RocksDb;

/// <summary>A batch of one store, and its way to the disk. Its owner fills it, hands it to a thread, and takes it back empty, with the verdict.</summary>
internal sealed unsafe class RocksDbWrite : IDisposable
{
    // A larger one is not kept for as long as the task lives.
    private const int KeptBytesMax = 1024 * 1024;

    private static readonly WriteOptions Options = new();

    // It has no handle to dispose of, and a thread may be just setting it when its owner has already seen that it is set.
    private readonly ManualResetEventSlim _done = new(initialState: true);
    private readonly RocksDbSharp.RocksDb _db;
    private readonly RocksDbTableFile _file;
    private readonly DeferredCompactions _compactions;
    private readonly Action _do;
    private readonly BatchEntries _entries = new();
    private bool _asFile;
    private Exception? _failure;

    // 0: handed over, and no thread has begun with it.
    private int _begun = 1;

    /// <summary>Of an open database.</summary>
    public RocksDbWrite(RocksDbSharp.RocksDb db, RocksDbTableFile file, DeferredCompactions compactions)
    {
        _db = db;
        _file = file;
        _compactions = compactions;
        _do = Do;
    }

    /// <summary>Whether it waits for no other one any more.</summary>
    public bool HasBegun => Volatile.Read(ref _begun) != 0;

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _entries.Put(key, value);

    public void Delete(ReadOnlySpan<byte> key) => _entries.Delete(key);

    /// <summary>Empties it.</summary>
    public void Clear() => _entries.Clear(_entries.Bytes > KeptBytesMax ? 0 : KeptBytesMax);

    /// <summary>Hands it over; nothing but <see cref="IsDone"/> and <see cref="Dispose"/> may be called until that is true.</summary>
    public void Start(StoreThreads threads, bool asFile)
    {
        (_asFile, _begun) = (asFile, 0);
        _done.Reset();
        try
        {
            threads.Add(_do);
        }
        catch (InvalidOperationException e)
        {
            // The process is ending, and nobody will do it.
            (_failure, _begun) = (e, 1);
            _done.Set();
        }
    }

    /// <summary>Writes it here and now; <see cref="IsDone"/> has the verdict.</summary>
    public void Write() => Try(asFile: false);

    /// <summary>Whether it has been done, and the thread is through with it; throws what it failed with, again and again.</summary>
    public bool IsDone(bool wait)
    {
        if (wait)
            _done.Wait();
        else if (!_done.IsSet)
            return false;
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
        return true;
    }

    /// <summary>Called by the thread.</summary>
    public void Do()
    {
        if (Interlocked.Exchange(ref _begun, 1) != 0)
            return;
        Try(_asFile);
        _done.Set();
    }

    /// <summary>Waits while it is written; what no thread has begun with is not written any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _begun, 1) != 0)
            _done.Wait();
        _entries.Dispose();
    }

    private void Try(bool asFile)
    {
        try
        {
            _compactions.Step(asFile);
            if (asFile)
                _file.Ingest(_entries);
            else
                WriteSorted();
            Clear();
        }
#pragma warning disable CA1031 // Its owner gets whatever it failed with, or would wait for ever.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = e;
        }
    }

    // Neighbours in a row: where the next one belongs in the memtable is in the processor's cache then.
    private void WriteSorted()
    {
        nint batch = Native.Instance.rocksdb_writebatch_create();
        try
        {
            foreach (ref readonly BatchEntry entry in _entries.Sort())
            {
                if (entry.IsDelete)
                    Native.Instance.rocksdb_writebatch_delete(batch, entry.KeyAt, (nuint)entry.KeyLength);
                else
                    Native.Instance.rocksdb_writebatch_put(batch, entry.KeyAt, (nuint)entry.KeyLength, entry.ValueAt, (nuint)entry.ValueLength);
            }

            Native.Instance.rocksdb_write(_db.Handle, Options.Handle, batch);
        }
        finally
        {
            Native.Instance.rocksdb_writebatch_destroy(batch);
        }
    }
}
