using Presence.Core.Log;

namespace Presence.Tests.Stages;

/// <summary>Collects what is produced until it is committed or aborted.</summary>
internal sealed class RecordingProducer : ITransactionalProducer
{
    public sealed record Sent(TopicPartition Partition, byte[] Key, byte[]? Value, long Timestamp, RecordHeader[] Headers);

    private readonly List<Sent> _open = [];

    public List<Sent> Committed { get; } = [];

    /// <summary>What it says to every record; null: it takes it.</summary>
    public LogStatus? Refuse { get; set; }

    public LogResult Init(TimeSpan timeout) => LogResult.Ok;

    public LogResult Begin() => LogResult.Ok;

    public LogResult Produce(TopicPartition partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, ReadOnlySpan<RecordHeader> headers, bool trackOffset)
    {
        if (Refuse is { } status)
            return new LogResult(status, "refused");
        _open.Add(new Sent(partition, key.ToArray(), hasValue ? value.ToArray() : null, timestamp, headers.ToArray()));
        return LogResult.Ok;
    }

    public LogResult SendOffsets(IReadOnlyList<GroupOffsets> groups, TimeSpan timeout) => LogResult.Ok;

    public LogResult Commit(TimeSpan timeout)
    {
        Committed.AddRange(_open);
        _open.Clear();
        return LogResult.Ok;
    }

    public LogResult Abort(TimeSpan timeout)
    {
        _open.Clear();
        return LogResult.Ok;
    }

    public long? TrackedOffset(TopicPartition partition) => Committed.FindLastIndex(s => s.Partition == partition);

    public void Dispose()
    {
        // Nothing.
    }
}
