using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    private static readonly IngestExternalFileOptions Move = new IngestExternalFileOptions().SetMoveFiles(true);

    private readonly RocksDbSharp.RocksDb _db;
    private readonly DbOptions _options;
    private readonly string _path;

    /// <summary>Of a database at <paramref name="directory"/> with these options.</summary>
    public RocksDbTableFile(RocksDbSharp.RocksDb db, DbOptions options, string directory)
    {
        _db = db;
        _options = options;
        _path = Path.Combine(directory, "batch.unfinished");
        // Of a process that was killed while it wrote one; the database leaves it alone.
        File.Delete(_path);
    }

    /// <summary>All of the batch or nothing. Throws <see cref="RocksDbException"/>.</summary>
    public void Ingest(WriteBatch batch)
    {
        // A power loss may take the end of the log: nothing that comes before this file must be there.
        _db.Flush(Wait);
        Entries entries = new() { List = (Entry*)NativeMemory.Alloc((nuint)batch.Count(), (nuint)sizeof(Entry)) };
        try
        {
            Native.Instance.rocksdb_writebatch_iterate(
                batch.Handle,
                (nint)(&entries),
                (nint)(delegate* unmanaged[Cdecl]<Entries*, byte*, nuint, byte*, nuint, void>)&OnPut,
                (nint)(delegate* unmanaged[Cdecl]<Entries*, byte*, nuint, void>)&OnDelete);
            Span<Entry> sorted = new(entries.List, entries.Count);
            sorted.Sort(static (x, y) => x.CompareTo(y));
            Write(sorted);
        }
        finally
        {
            NativeMemory.Free(entries.List);
        }

        _db.IngestExternalFiles([_path], Move);
    }

    private void Write(ReadOnlySpan<Entry> sorted)
    {
        nint writer = Native.Instance.rocksdb_sstfilewriter_create(Environment.Handle, _options.Handle);
        try
        {
            Native.Instance.rocksdb_sstfilewriter_open(writer, _path);
            for (int i = 0; i < sorted.Length; i++)
            {
                ref readonly Entry entry = ref sorted[i];
                // The last one counts.
                if (i + 1 < sorted.Length && entry.Key.SequenceEqual(sorted[i + 1].Key))
                    continue;
                if (entry.ValueLength < 0)
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

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnPut(Entries* entries, byte* key, nuint keyLength, byte* value, nuint valueLength) =>
        entries->List[entries->Count++] = new Entry { KeyAt = key, KeyLength = (int)keyLength, ValueAt = value, ValueLength = (int)valueLength };

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDelete(Entries* entries, byte* key, nuint keyLength) =>
        entries->List[entries->Count++] = new Entry { KeyAt = key, KeyLength = (int)keyLength, ValueLength = -1 };

    private struct Entries
    {
        public Entry* List;
        public int Count;
    }

    // Where an entry lies in the batch; a delete has no value.
    private struct Entry
    {
        public byte* KeyAt;
        public byte* ValueAt;
        public int KeyLength;
        public int ValueLength;

        public readonly ReadOnlySpan<byte> Key => new(KeyAt, KeyLength);

        // By key, and those of one key in the order of the batch, where they lie one after the other.
        public readonly int CompareTo(Entry other)
        {
            int order = Key.SequenceCompareTo(other.Key);
            return order != 0 ? order : ((nint)KeyAt).CompareTo((nint)other.KeyAt);
        }
    }
}
