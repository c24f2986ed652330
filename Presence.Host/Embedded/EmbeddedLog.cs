using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Presence.Core.Log;
using Presence.Host.RocksDb;
using RocksDbSharp;

namespace Presence.Host.Embedded;

/// <summary>
/// A durable log in one process, on one RocksDB: topics, partitions, transactions, consumer-group positions, compaction
/// and retention, with the semantics of Kafka as the seams need them. A commit is one synced write; what was not
/// committed was never on disk. One gate guards everything: it serves one instance, not a fleet.
/// </summary>
public sealed partial class EmbeddedLog : ILog, ILogAdmin
{
    private static readonly TimeSpan ReadersLimit = TimeSpan.FromSeconds(5);

    private readonly RocksDbSharp.RocksDb _db;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly WriteOptions _writeOptions;
    private readonly object _gate = new();
    private readonly Dictionary<string, EmbeddedTopic> _topics = [];
    private readonly Dictionary<string, EmbeddedProducer> _producers = [];
    private readonly HashSet<EmbeddedTransaction> _open = [];
    private readonly Dictionary<string, List<EmbeddedMembership>> _groups = [];
    private int _nextTopic;
    private bool _disposed;

    // Who reads without the gate.
    private int _readers;

    /// <summary>
    /// Opens or creates the log at <paramref name="path"/>. With <paramref name="sync"/> false a commit is acknowledged
    /// before it is on the medium: for logs that live no longer than their process. Throws IOException.
    /// </summary>
    public EmbeddedLog(string path, TimeProvider time, bool sync = true)
    {
        _path = path;
        _time = time;
        _writeOptions = new WriteOptions().SetSync(sync);
        Directory.CreateDirectory(path);
        DbOptions options = new DbOptions()
            .SetCreateIfMissing(true)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize(32 * 1024 * 1024)
            .SetMaxOpenFiles(256)
            .SetWalRecoveryMode(Recovery.PointInTime)
            .SetKeepLogFileNum(2);
        try
        {
            _db = RocksDbSharp.RocksDb.Open(options, path);
        }
        catch (RocksDbException e)
        {
            throw new IOException($"The embedded log in {path} cannot be opened: {e.Message}", e);
        }

        try
        {
            Load();
        }
        catch (RocksDbException e)
        {
            _db.Dispose();
            throw new IOException($"The embedded log in {path} cannot be read: {e.Message}", e);
        }
    }

    internal TimeProvider Time => _time;

    /// <inheritdoc/>
    public string Description => $"embedded log in {_path}";

    /// <inheritdoc/>
    public ILogAdmin Admin => this;

    /// <inheritdoc/>
    public ILogConsumer CreateConsumer(string name, IsolationLevel isolation, FetchMode mode = FetchMode.Bulk) => new EmbeddedConsumer(this);

    /// <inheritdoc/>
    public ITransactionalProducer CreateProducer(string transactionalId) => new EmbeddedProducer(this, transactionalId);

    /// <inheritdoc/>
    public IGroupMembership CreateMembership(string group, string instanceId, string controlTopic) => new EmbeddedMembership(this, group, instanceId);

    /// <inheritdoc/>
    public IRecordWriter CreateWriter() => new EmbeddedWriter(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            Monitor.PulseAll(_gate);
            // Who hangs in a read has the database, which ends with the process then.
            long began = Stopwatch.GetTimestamp();
            while (_readers > 0 && ReadersLimit - Stopwatch.GetElapsedTime(began) is { Ticks: > 0 } left)
                Monitor.Wait(_gate, left);
            if (_readers == 0)
                _db.Dispose();
        }
    }

    private bool TryBeginReading()
    {
        lock (_gate)
        {
            _readers += _disposed ? 0 : 1;
            return !_disposed;
        }
    }

    private void EndReading()
    {
        lock (_gate)
        {
            if (--_readers == 0)
                Monitor.PulseAll(_gate);
        }
    }

    private LogException? Closed() => _disposed ? new LogException("the embedded log is closed") : null;

    private void Load()
    {
        using Iterator iterator = _db.NewIterator();
        for (iterator.Seek("T"u8); iterator.Valid() && iterator.GetKeySpan()[0] == (byte)'T'; iterator.Next())
        {
            StoredTopic stored = JsonSerializer.Deserialize<StoredTopic>(iterator.GetValueSpan())!;
            string name = Encoding.UTF8.GetString(iterator.GetKeySpan()[1..]);
            EmbeddedTopic topic = Materialise(name, stored);
            foreach (EmbeddedPartition partition in topic.Partitions)
            {
                byte[]? positions = _db.Get(EmbeddedKeys.Partition(topic.Number, partition.Partition));
                if (positions is null)
                    continue;
                partition.Start = BinaryPrimitives.ReadInt64BigEndian(positions);
                partition.End = BinaryPrimitives.ReadInt64BigEndian(positions.AsSpan(8));
                partition.Dirty = partition.End - partition.Start;
            }

            _topics.Add(name, topic);
            _nextTopic = Math.Max(_nextTopic, topic.Number + 1);
        }

        RocksDbErrors.ThrowIfFailed(iterator);
    }

    private static EmbeddedTopic Materialise(string name, StoredTopic stored)
    {
        EmbeddedPartition[] partitions = new EmbeddedPartition[stored.Partitions];
        for (int i = 0; i < partitions.Length; i++)
            partitions[i] = new EmbeddedPartition(stored.Number, i);
        return new EmbeddedTopic(name, stored.Number, stored.Id, stored.Configuration, partitions);
    }

    internal sealed record StoredTopic(int Number, string Id, int Partitions, IReadOnlyDictionary<string, string> Configuration);

    /// <summary>The partition, or null when it does not exist. Under the gate.</summary>
    private EmbeddedPartition? Find(TopicPartition partition) =>
        _topics.TryGetValue(partition.Topic, out EmbeddedTopic? topic) && (uint)partition.Partition < (uint)topic.Partitions.Length
            ? topic.Partitions[partition.Partition]
            : null;

    // Appends to memory under the gate; the offset is taken now, the record is visible after the commit.
    internal LogResult Append(EmbeddedTransaction transaction, TopicPartition target, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers, out long offset)
    {
        offset = -1;
        EmbeddedPartition? partition = Find(target);
        if (partition is null)
            return new LogResult(LogStatus.RecordRejected, $"{target} does not exist");
        offset = partition.End++;
        if (transaction.First.TryAdd(partition, offset))
            partition.Opened(offset);
        long stamp = _topics[target.Topic].StampsArrival ? _time.GetUtcNow().ToUnixTimeMilliseconds() : timestamp;
        transaction.Records.Add((partition, offset, EmbeddedKeys.EncodeRecord(key, hasKey, value, hasValue, stamp, headers)));
        return LogResult.Ok;
    }

    // Writes a transaction whole. Under the gate. Throws RocksDbException: nothing of it is then visible.
    internal void Commit(EmbeddedTransaction transaction)
    {
        using WriteBatch batch = new();
        Span<byte> key = stackalloc byte[EmbeddedKeys.RecordKeyLength];
        foreach ((EmbeddedPartition partition, long offset, byte[] record) in transaction.Records)
        {
            EmbeddedKeys.WriteRecordKey(key, partition.Topic, partition.Partition, offset);
            batch.Put(key, record);
        }

        foreach (EmbeddedPartition partition in transaction.First.Keys)
            batch.Put(EmbeddedKeys.Partition(partition.Topic, partition.Partition), EmbeddedKeys.Positions(partition.Start, partition.End + 1));
        foreach (((string group, TopicPartition partition), long offset) in transaction.Offsets)
        {
            if (Find(partition) is { } found)
            {
                byte[] bytes = new byte[8];
                BinaryPrimitives.WriteInt64BigEndian(bytes, offset);
                batch.Put(EmbeddedKeys.Group(group, found.Topic, found.Partition), bytes);
            }
        }

        _db.Write(batch, _writeOptions);
        End(transaction);
        foreach ((EmbeddedPartition partition, _, _) in transaction.Records)
            partition.Dirty++;
    }

    // The commit or abort marker takes an offset of every partition touched. Under the gate.
    internal void End(EmbeddedTransaction transaction)
    {
        foreach ((EmbeddedPartition partition, long first) in transaction.First)
        {
            partition.Closed(first);
            partition.End++;
        }

        _open.Remove(transaction);
        Monitor.PulseAll(_gate);
    }

    internal EmbeddedTransaction Open()
    {
        EmbeddedTransaction transaction = new();
        _open.Add(transaction);
        return transaction;
    }
}
