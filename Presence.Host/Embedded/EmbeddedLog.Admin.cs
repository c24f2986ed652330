using System.Buffers.Binary;
using System.Text.Json;
using Presence.Core.Log;
using RocksDbSharp;

namespace Presence.Host.Embedded;

/// <summary>Questions and orders.</summary>
public sealed partial class EmbeddedLog
{
    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, TopicDescription>> DescribeTopics(IReadOnlyCollection<string> topics, CancellationToken cancellation)
    {
        Dictionary<string, TopicDescription> found = [];
        lock (_gate)
        {
            foreach (string name in topics)
            {
                if (_topics.TryGetValue(name, out EmbeddedTopic? topic))
                    found[name] = new TopicDescription(name, topic.Id, topic.Partitions.Length, 1, topic.Configuration);
            }
        }

        return Task.FromResult<IReadOnlyDictionary<string, TopicDescription>>(found);
    }

    /// <inheritdoc/>
    public Task CreateTopics(IReadOnlyCollection<TopicSpecification> topics, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (Closed() is { } closed)
                return Task.FromException(closed);
            foreach (TopicSpecification specification in topics)
            {
                if (_topics.ContainsKey(specification.Name))
                    continue;
                if (specification.Partitions is < 1 or > 10_000)
                    return Task.FromException(new LogException($"{specification.Name} cannot have {specification.Partitions} partitions; 1 to 10,000 are allowed"));
                StoredTopic stored = new(_nextTopic++, Guid.NewGuid().ToString("N"), specification.Partitions, specification.Configuration);
                try
                {
                    _db.Put(EmbeddedKeys.Topic(specification.Name), JsonSerializer.SerializeToUtf8Bytes(stored), null, _writeOptions);
                }
                catch (RocksDbException e)
                {
                    return Task.FromException(new LogException($"{_path} cannot be written: {e.Message}", e));
                }

                _topics.Add(specification.Name, Materialise(specification.Name, stored));
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Deletes a topic with all its records; one made anew under its name has another id.</summary>
    public void DeleteTopic(string name)
    {
        lock (_gate)
        {
            if (Closed() is { } closed)
                throw closed;
            if (!_topics.Remove(name, out EmbeddedTopic? topic))
                return;
            using WriteBatch batch = new();
            byte[] from = new byte[EmbeddedKeys.RecordKeyLength];
            byte[] to = new byte[EmbeddedKeys.RecordKeyLength];
            EmbeddedKeys.WriteRecordKey(from, topic.Number, 0, 0);
            EmbeddedKeys.WriteRecordKey(to, topic.Number + 1, 0, 0);
            batch.DeleteRange(from, (ulong)from.Length, to, (ulong)to.Length);
            batch.Delete(EmbeddedKeys.Topic(name));
            foreach (EmbeddedPartition partition in topic.Partitions)
                batch.Delete(EmbeddedKeys.Partition(topic.Number, partition.Partition));
            _db.Write(batch, _writeOptions);
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<TopicPartition, long>> EndOffsets(IReadOnlyCollection<TopicPartition> partitions, IsolationLevel isolation, CancellationToken cancellation) =>
        Look(partitions, p => isolation == IsolationLevel.ReadUncommitted ? p.End : p.LastStable);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<TopicPartition, long>> StartOffsets(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation) =>
        Look(partitions, p => p.Start);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<TopicPartition, long>> CommittedOffsets(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellation)
    {
        while (true)
        {
            lock (_gate)
            {
                if (Closed() is { } closed)
                    throw closed;
                if (!_open.Any(t => partitions.Any(p => t.Offsets.ContainsKey((group, p)))))
                {
                    return Positions(group, partitions);
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), _time, cancellation);
        }
    }

    private Dictionary<TopicPartition, long> Positions(string group, IReadOnlyCollection<TopicPartition> partitions)
    {
        Dictionary<TopicPartition, long> found = [];
        try
        {
            foreach (TopicPartition partition in partitions)
            {
                if (Find(partition) is { } known && _db.Get(EmbeddedKeys.Group(group, known.Topic, known.Partition)) is { } bytes)
                    found[partition] = BinaryPrimitives.ReadInt64BigEndian(bytes);
            }

            return found;
        }
        catch (RocksDbException e)
        {
            throw new LogException($"{_path} cannot be read: {e.Message}", e);
        }
    }

    private Task<IReadOnlyDictionary<TopicPartition, long>> Look(IReadOnlyCollection<TopicPartition> partitions, Func<EmbeddedPartition, long> what)
    {
        Dictionary<TopicPartition, long> found = [];
        lock (_gate)
        {
            foreach (TopicPartition partition in partitions)
            {
                if (Find(partition) is not { } known)
                    return Task.FromException<IReadOnlyDictionary<TopicPartition, long>>(new LogException($"{partition} does not exist"));
                found[partition] = what(known);
            }
        }

        return Task.FromResult<IReadOnlyDictionary<TopicPartition, long>>(found);
    }
}
