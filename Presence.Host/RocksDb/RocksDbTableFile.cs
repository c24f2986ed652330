using RocksDbSharp;

namespace Presence.Host.RocksDb;

/// <summary>
/// Takes a large batch into a database as a table file of its own, sorted here: neither the log nor a memtable sees it,
/// and it is on the disk before it is part of the database. See docs/decisions/0013-large-batches-are-table-files.md.
/// </summary>
internal sealed unsafe class RocksDbTableFile
{
    private static readonly EnvOptions Environment = new();
    private static readonly FlushOptions Wait = new FlushOptions().SetWaitForFlush(true);

    // Copied, not moved: not all file systems can link, and a file that is written again must not be one of the database.
    private static readonly IngestExternalFileOptions Copy = new IngestExternalFileOptions().SetMoveFiles(false);

    private readonly RocksDbSharp.RocksDb _db;
    private readonly DbOptions _options;
    private readonly string _path;

    /// <summary>Of an open database at <paramref name="directory"/> with these options.</summary>
    public RocksDbTableFile(RocksDbSharp.RocksDb db, DbOptions options, string directory)
    {
        _db = db;
        _options = options;
        _path = PathIn(directory);
    }

    /// <summary>Deletes what a process that was killed has left, before the database, which leaves it alone, is opened.</summary>
    public static void Clear(string directory) => File.Delete(PathIn(directory));

    /// <summary>All of the batch or nothing. Throws <see cref="RocksDbException"/>.</summary>
    public void Ingest(BatchEntries batch)
    {
        // A power loss may take the end of the log: nothing that comes before this file must be there. It also waits where
        // compactions are behind, which taking files in does not: without it there could be any number of files.
        _db.Flush(Wait);
        try
        {
            Write(batch.Sort());
            _db.IngestExternalFiles([_path], Copy);
        }
        finally
        {
            Discard();
        }
    }

    private static string PathIn(string directory) => Path.Combine(directory, "batch.unfinished");

    // What cannot be deleted is overwritten by the next one, or goes when the store is opened.
    private void Discard()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private void Write(ReadOnlySpan<BatchEntry> sorted)
    {
        nint writer = Native.Instance.rocksdb_sstfilewriter_create(Environment.Handle, _options.Handle);
        try
        {
            Native.Instance.rocksdb_sstfilewriter_open(writer, _path);
            foreach (ref readonly BatchEntry entry in sorted)
            {
                if (entry.IsDelete)
                    Native.Instance.rocksdb_sstfilewriter_delete(writer, entry.KeyAt, (nuint)entry.KeyLength);
                else
                    Native.Instance.rocksdb_sstfilewriter_put(writer, entry.KeyAt, (nuint)entry.KeyLength, entry.ValueAt, (nuint)entry.ValueLength);
            }

            Native.Instance.rocksdb_sstfilewriter_finish(writer);
        }
        finally
        {
            Native.Instance.rocksdb_sstfilewriter_destroy(writer);
        }
    }
}
