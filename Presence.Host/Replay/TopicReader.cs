using Presence.Core.Log;

namespace Presence.Host.Replay;

/// <summary>Reads whole topics: for verbs that print results, not for the pipeline.</summary>
internal sealed class TopicReader : ILogReceiver, IDisposable
{
    private readonly ILogConsumer _consumer;
    private readonly Action<byte[]> _take;
    private readonly long[] _positions;
    private string? _fault;

    /// <summary>From the beginning of all partitions; <paramref name="take"/> gets the values, in order per partition, without null ones.</summary>
    public TopicReader(ILog log, string topic, int partitions, Action<byte[]> take)
    {
        _take = take;
        _positions = new long[partitions];
        _consumer = log.CreateConsumer($"read-{topic}", IsolationLevel.ReadCommitted);
        for (int i = 0; i < partitions; i++)
            _consumer.Add(new TopicPartition(topic, i), i, 0);
    }

    /// <summary>Takes what is there; waits at most <paramref name="wait"/> when there is nothing. Throws <see cref="LogException"/>.</summary>
    public int Poll(TimeSpan wait)
    {
        int records = _consumer.Poll(this, 1000, wait);
        return _fault is null ? records : throw new LogException(_fault);
    }

    /// <summary>Reads a topic to its end. Throws <see cref="LogException"/>.</summary>
    public static async Task<List<byte[]>> ReadAll(ILog log, string topic, CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, TopicDescription> described = await log.Admin.DescribeTopics([topic], cancellation);
        if (!described.TryGetValue(topic, out TopicDescription? description))
            throw new LogException($"the topic {topic} does not exist");
        TopicPartition[] partitions = [.. Enumerable.Range(0, description.Partitions).Select(i => new TopicPartition(topic, i))];
        IReadOnlyDictionary<TopicPartition, long> ends = await log.Admin.EndOffsets(partitions, IsolationLevel.ReadCommitted, cancellation);
        List<byte[]> values = [];
        using TopicReader reader = new(log, topic, description.Partitions, values.Add);
        while (partitions.Any(p => reader._positions[p.Partition] < ends.GetValueOrDefault(p)))
        {
            cancellation.ThrowIfCancellationRequested();
            reader.Poll(TimeSpan.FromMilliseconds(20));
        }

        return values;
    }

    /// <inheritdoc/>
    public void OnRecord(int slot, in LogRecord record)
    {
        if (record.HasValue)
            _take(record.Value.ToArray());
        _positions[slot] = record.Offset + 1;
    }

    /// <inheritdoc/>
    public void OnEnd(int slot, long position, long highWatermark) => _positions[slot] = Math.Max(_positions[slot], position);

    /// <inheritdoc/>
    public void OnFault(int slot, LogFault fault, long offset, string detail)
    {
        if (fault != LogFault.Unreachable)
            _fault = $"partition {slot} cannot be read at offset {offset}: {fault}, {detail}";
    }

    /// <inheritdoc/>
    public void Dispose() => _consumer.Dispose();
}
