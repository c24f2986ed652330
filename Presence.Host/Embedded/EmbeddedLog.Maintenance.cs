using System.Globalization;
using Presence.Core.Log;
using Presence.Host.RocksDb;
using RocksDbSharp;

namespace Presence.Host.Embedded;

/// <summary>Compaction and retention.</summary>
public sealed partial class EmbeddedLog
{
    /// <summary>A partition is compacted when this many records, and as many as it had, have come since the last time.</summary>
    private const int DirtyMin = 10_000;

    private readonly Dictionary<EmbeddedPartition, long> _kept = [];

    /// <summary>
    /// Compacts and trims what is due, one partition after the other. Readers are not held up. Throws <see cref="LogException"/>
    /// where the disk refuses, after all others; it is due again then.
    /// </summary>
    public void Maintain()
    {
        if (!TryBeginReading())
            return;
        try
        {
            List<(EmbeddedTopic Topic, EmbeddedPartition Partition)> all;
            lock (_gate)
                all = [.. _topics.Values.SelectMany(t => t.Partitions.Select(p => (t, p)))];
            RocksDbException? refused = null;
            foreach ((EmbeddedTopic topic, EmbeddedPartition partition) in all)
            {
                try
                {
                    Maintain(topic, partition);
                }
                catch (RocksDbException e)
                {
                    refused ??= e;
                }
            }

            if (refused is not null)
                throw new LogException($"{_path} cannot be compacted or trimmed: {refused.Message}", refused);
        }
        finally
        {
            EndReading();
        }
    }

    private void Maintain(EmbeddedTopic topic, EmbeddedPartition partition)
    {
        string policy = topic.Configuration.GetValueOrDefault("cleanup.policy", "delete");
        if (policy.Contains("delete", StringComparison.Ordinal))
            Trim(topic, partition);
        if (policy.Contains("compact", StringComparison.Ordinal) && partition.Dirty >= Math.Max(DirtyMin, _kept.GetValueOrDefault(partition)))
            Compact(topic, partition);
    }

    /// <summary>
    /// Keeps the last record of each key, and what is younger than min.compaction.lag.ms; a tombstone goes when it is
    /// older than delete.retention.ms.
    /// </summary>
    internal void Compact(EmbeddedTopic topic, EmbeddedPartition partition)
    {
        long stable, start, dirty;
        lock (_gate)
        {
            if (_disposed)
                return;
            stable = partition.LastStable;
            start = partition.Start;
            dirty = partition.Dirty;
        }

        long keepTombstones = Setting(topic, "delete.retention.ms", 86_400_000);
        long lag = Setting(topic, "min.compaction.lag.ms", 0);
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        Dictionary<UInt128, long> last = [];
        Scan(partition, start, stable, record => last[HashOf(record.Key)] = record.Offset);
        long kept = 0;
        using WriteBatch batch = new();
        byte[] key = new byte[EmbeddedKeys.RecordKeyLength];
        Scan(partition, start, stable, record =>
        {
            bool isLast = last[HashOf(record.Key)] == record.Offset;
            if (now - record.Timestamp < lag || (isLast && (record.HasValue || now - record.Timestamp <= keepTombstones)))
            {
                kept++;
                return;
            }

            EmbeddedKeys.WriteRecordKey(key, partition.Topic, partition.Partition, record.Offset);
            batch.Delete(key);
        });
        lock (_gate)
        {
            if (_disposed)
                return;
            _db.Write(batch, _writeOptions);
            partition.Dirty -= dirty;
            _kept[partition] = kept;
        }
    }

    private void Trim(EmbeddedTopic topic, EmbeddedPartition partition)
    {
        long retention = Setting(topic, "retention.ms", -1);
        if (retention < 0)
            return;
        long start, stable;
        lock (_gate)
        {
            if (_disposed)
                return;
            start = partition.Start;
            stable = partition.LastStable;
        }

        long oldest = _time.GetUtcNow().ToUnixTimeMilliseconds() - retention;
        long until = start;
        Scan(partition, start, stable, record => until = record.Timestamp < oldest ? record.Offset + 1 : until, record => record.Timestamp < oldest);
        if (until == start)
            return;
        byte[] from = new byte[EmbeddedKeys.RecordKeyLength];
        byte[] to = new byte[EmbeddedKeys.RecordKeyLength];
        EmbeddedKeys.WriteRecordKey(from, partition.Topic, partition.Partition, start);
        EmbeddedKeys.WriteRecordKey(to, partition.Topic, partition.Partition, until);
        lock (_gate)
        {
            if (_disposed)
                return;
            using WriteBatch batch = new();
            batch.DeleteRange(from, (ulong)from.Length, to, (ulong)to.Length);
            batch.Put(EmbeddedKeys.Partition(partition.Topic, partition.Partition), EmbeddedKeys.Positions(until, partition.LastStable));
            _db.Write(batch, _writeOptions);
            partition.Start = until;
        }
    }

    private delegate void RecordVisitor(LogRecord record);

    private delegate bool RecordPredicate(LogRecord record);

    private void Scan(EmbeddedPartition partition, long from, long to, RecordVisitor visitor, RecordPredicate? goOn = null)
    {
        byte[] key = new byte[EmbeddedKeys.RecordKeyLength];
        EmbeddedKeys.WriteRecordKey(key, partition.Topic, partition.Partition, from);
        using Iterator iterator = _db.NewIterator();
        for (iterator.Seek(key); iterator.Valid(); iterator.Next())
        {
            ReadOnlySpan<byte> found = iterator.GetKeySpan();
            if (found.Length != key.Length || !found[..9].SequenceEqual(key.AsSpan(0, 9)) || EmbeddedKeys.OffsetOf(found) >= to)
                return;
            LogRecord record = EmbeddedKeys.DecodeRecord(EmbeddedKeys.OffsetOf(found), iterator.GetValueSpan());
            if (goOn is not null && !goOn(record))
                return;
            visitor(record);
        }

        RocksDbErrors.ThrowIfFailed(iterator);
    }

    private static long Setting(EmbeddedTopic topic, string name, long otherwise) =>
        topic.Configuration.TryGetValue(name, out string? text) && long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out long value) ? value : otherwise;

    private static UInt128 HashOf(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[32];
        System.Security.Cryptography.SHA256.HashData(key, hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}
