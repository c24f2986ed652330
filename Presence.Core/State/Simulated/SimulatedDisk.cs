using Presence.Core.Log.Simulated;

namespace Presence.Core.State.Simulated;

/// <summary>
/// A disk with stores on it, as a machine sees it: batches are there as a whole or not at all, and the latest of them are
/// lost with the machine's power. Survives the processes that use it.
/// </summary>
public sealed class SimulatedDisk(SimulatedWorld world)
{
    internal const int UnsyncedMax = 12;

    private SortedDictionary<string, SimulatedStoreFile> _files = new(StringComparer.Ordinal);

    /// <summary>Stores by task.</summary>
    public IReadOnlyDictionary<string, SimulatedStoreFile> Files => _files;

    public SimulatedWorld World => world;

    /// <summary>Until when it takes nothing (virtual time, µs).</summary>
    public long FullUntil { get; set; }

    /// <summary>The power fails: each store loses some of its last batches.</summary>
    public void LosePower()
    {
        foreach (SimulatedStoreFile file in _files.Values)
            file.Undo(world.Next(UnsyncedMax + 1));
    }

    /// <summary>Everything on it is gone.</summary>
    public void Wipe() => _files.Clear();

    /// <summary>What is on it now, to be put back later.</summary>
    public IReadOnlyDictionary<string, SimulatedStoreFile> Image() => _files.ToDictionary(f => f.Key, f => f.Value.Copy());

    /// <summary>Puts an image in the place of what is there.</summary>
    public void Restore(IReadOnlyDictionary<string, SimulatedStoreFile> image)
    {
        _files = new SortedDictionary<string, SimulatedStoreFile>(StringComparer.Ordinal);
        foreach ((string task, SimulatedStoreFile file) in image)
            _files.Add(task, file.Copy());
    }

    internal SimulatedStoreFile Open(string task)
    {
        if (!_files.TryGetValue(task, out SimulatedStoreFile? file))
            _files.Add(task, file = new SimulatedStoreFile());
        return file;
    }

    internal void Delete(string task)
    {
        if (_files.Remove(task, out SimulatedStoreFile? file) && file.IsOpen)
            throw new InvalidOperationException($"The store of {task} is deleted while it is open.");
    }

    /// <summary>The process that used it is gone: nothing is open any more, and what was on its way has been written or not.</summary>
    public void Close()
    {
        foreach (SimulatedStoreFile file in _files.Values)
            file.Leave(world);
    }
}
