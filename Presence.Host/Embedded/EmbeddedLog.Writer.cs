using Presence.Core.Log;
using RocksDbSharp;

namespace Presence.Host.Embedded;

public sealed partial class EmbeddedLog
{
    /// <summary>Each call is one small transaction of its own: all of it or nothing.</summary>
    internal sealed class EmbeddedWriter(EmbeddedLog log) : IRecordWriter
    {
        public Task Append(IReadOnlyList<ProducedRecord> records, CancellationToken cancellation)
        {
            lock (log._gate)
            {
                if (log.Closed() is { } closed)
                    return Task.FromException(closed);
                EmbeddedTransaction transaction = log.Open();
                foreach (ProducedRecord record in records)
                {
                    if (!log._topics.TryGetValue(record.Topic, out EmbeddedTopic? topic))
                    {
                        log.End(transaction);
                        return Task.FromException(new LogException($"the topic {record.Topic} does not exist"));
                    }

                    TopicPartition partition = new(record.Topic, Partitioner.Of(record.Key, topic.Partitions.Length));
                    log.Append(transaction, partition, record.Key, true, record.Value, record.Value is not null, record.Timestamp, default, out _);
                }

                try
                {
                    log.Commit(transaction);
                    return Task.CompletedTask;
                }
                catch (RocksDbException e)
                {
                    log.End(transaction);
                    return Task.FromException(new LogException($"the embedded log cannot be written: {e.Message}", e));
                }
            }
        }

        public void Dispose()
        {
            // Nothing of its own.
        }
    }
}
