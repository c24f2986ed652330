namespace Presence.Core.State;

/// <summary>
/// A store that is being opened: that reads its log and may take long. Owned by one thread at a time. Disposed of, it waits
/// until it is open and closes it; not where it was taken, or nothing has begun yet.
/// </summary>
public interface IStoreOpening : IDisposable
{
    /// <summary>Whether it waits for no other one any more.</summary>
    bool HasBegun { get; }

    /// <summary>
    /// The open store, which is the caller's from then on; null before it is open. Throws <see cref="StoreException"/> where
    /// it cannot be opened; corruption is said so.
    /// </summary>
    IStateStore? TryTake();
}
