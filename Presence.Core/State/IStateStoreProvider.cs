namespace Presence.Core.State;

/// <summary>Opens the stores of tasks under one state directory.</summary>
public interface IStateStoreProvider : IDisposable
{
    /// <summary>
    /// Begins to open the store of a task, creating it when there is none; several are opened side by side.
    /// <paramref name="task"/> is a validated name (<c>walk-in-3</c>).
    /// </summary>
    IStoreOpening BeginOpen(string task);

    /// <summary>Deletes the store of a task that is not open; nothing happens when there is none.</summary>
    void Delete(string task);

    /// <summary>Names of the tasks that have a store here.</summary>
    IReadOnlyCollection<string> Existing();
}
