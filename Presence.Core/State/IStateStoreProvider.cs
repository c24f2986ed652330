namespace Presence.Core.State;

/// <summary>Opens the stores of tasks under one state directory.</summary>
public interface IStateStoreProvider : IDisposable
{
    /// <summary>
    /// Opens the store of a task, creating it when there is none. <paramref name="task"/> is a validated name
    /// (<c>walk-in-3</c>). Throws <see cref="StoreException"/>; corruption is said so.
    /// </summary>
    /// <param name="task">Whose store.</param>
    /// <param name="bulk">
    /// For a great many writes: they cost less, and the last of them reach the disk only when it is closed (in order, so that
    /// a crash leaves an earlier state). Nothing but the meta and the local record is to be read of it.
    /// </param>
    IStateStore Open(string task, bool bulk = false);

    /// <summary>Deletes the store of a task that is not open; nothing happens when there is none.</summary>
    void Delete(string task);

    /// <summary>Names of the tasks that have a store here.</summary>
    IReadOnlyCollection<string> Existing();
}
