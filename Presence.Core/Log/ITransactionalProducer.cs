namespace Presence.Core.Log;

/// <summary>
/// Writes records and consumer-group offsets atomically. Owned by one thread. Calls: Init once; then Begin, any number
/// of Produce and SendOffsets, and Commit or Abort. After <see cref="LogStatus.TimedOut"/> the same call is repeated;
/// after <see cref="LogStatus.Abortable"/> only Abort is allowed; after <see cref="LogStatus.Fatal"/> only Dispose.
/// </summary>
public interface ITransactionalProducer : IDisposable
{
    /// <summary>Takes the transactional id: fences its earlier user and aborts what that one left open.</summary>
    LogResult Init(TimeSpan timeout);

    /// <summary>Opens a transaction (local; the log learns of it with the first record or offset).</summary>
    LogResult Begin();

    /// <summary>
    /// Sends one record to a partition, asynchronously: what goes wrong later comes out at Commit. Null values are
    /// tombstones: <paramref name="hasValue"/> false. <paramref name="timestamp"/> in ms since 1970-01-01 UTC.
    /// With <paramref name="trackOffset"/> the offset the record got can be had by <see cref="TrackedOffset"/> after
    /// a successful Commit.
    /// </summary>
    LogResult Produce(
        TopicPartition partition,
        ReadOnlySpan<byte> key,
        bool hasKey,
        ReadOnlySpan<byte> value,
        bool hasValue,
        long timestamp,
        ReadOnlySpan<RecordHeader> headers = default,
        bool trackOffset = false);

    /// <summary>Adds positions of consumer groups to the transaction, one group after the other.</summary>
    LogResult SendOffsets(IReadOnlyList<GroupOffsets> groups, TimeSpan timeout);

    /// <summary>Flushes and commits.</summary>
    LogResult Commit(TimeSpan timeout);

    /// <summary>Aborts; drops what was not sent yet.</summary>
    LogResult Abort(TimeSpan timeout);

    /// <summary>
    /// The offset that the last tracked record to a partition got in the transaction last committed; null when there
    /// was none.
    /// </summary>
    long? TrackedOffset(TopicPartition partition);
}
