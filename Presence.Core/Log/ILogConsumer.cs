namespace Presence.Core.Log;

/// <summary>
/// Reads assigned partitions, without group membership. Owned by one thread. Never commits offsets by itself and never
/// resets a position by itself: a position that is out of range is a <see cref="LogFault"/>.
/// </summary>
public interface ILogConsumer : IDisposable
{
    /// <summary>
    /// A topic that may be read later: what takes time to find out about it is found out now, so that
    /// <see cref="Add"/> is served at once. Delivers nothing.
    /// </summary>
    void Prepare(string topic);

    /// <summary>
    /// Begins to read a partition at <paramref name="offset"/> (or moves its position there, dropping what was
    /// fetched). <paramref name="slot"/> is a small non-negative number of the caller's, handed back with every
    /// delivery; one slot per partition.
    /// </summary>
    void Add(TopicPartition partition, int slot, long offset);

    /// <summary>Ends reading a partition, for good or for a while; nothing of it is delivered afterwards.</summary>
    void Remove(TopicPartition partition);

    /// <summary>
    /// Delivers what is there to <paramref name="receiver"/>, at most <paramref name="maxRecords"/> records; waits for
    /// at most <paramref name="wait"/> when there is nothing. Returns how many records were delivered.
    /// Consumers may be changed only between polls: to dispose of one within its receiver throws
    /// <see cref="InvalidOperationException"/>.
    /// </summary>
    int Poll(ILogReceiver receiver, int maxRecords, TimeSpan wait);

    /// <summary>Ends a wait in <see cref="Poll"/> early. The only member that other threads may call.</summary>
    void Wake();
}
