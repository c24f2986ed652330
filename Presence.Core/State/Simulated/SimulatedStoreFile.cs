using Presence.Core.Log.Simulated;

namespace Presence.Core.State.Simulated;

/// <summary>One store as it lies on a simulated disk.</summary>
public sealed class SimulatedStoreFile
{
    private sealed class ByteOrder : IComparer<byte[]>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }

    private readonly LinkedList<List<(byte[] Key, byte[]? Before)>> _unsynced = [];

    /// <summary>Its entries in byte order.</summary>
    public SortedDictionary<byte[], byte[]> Entries { get; } = new(ByteOrder.Instance);

    /// <summary>Values and timers cannot be read any more: found when they are.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>It cannot be opened, for a reason that may pass.</summary>
    public bool IsUnreadable { get; set; }

    /// <summary>Whoever opens it hears nothing more.</summary>
    public bool Hangs { get; set; }

    /// <summary>How long it takes to close it.</summary>
    public TimeSpan CloseTakes { get; set; }

    /// <summary>Open in a process; a store has one owner.</summary>
    public bool IsOpen { get; set; }

    /// <summary>What is on its way to it.</summary>
    internal SimulatedWrite? Pending { get; set; }

    /// <summary>Who had it open has gone: what is on its way happens or not.</summary>
    internal void Leave(SimulatedWorld world)
    {
        if (Pending is { } write && world.Chance(0.5))
            write.Do();
        Pending = null;
        IsOpen = false;
    }

    internal void Write(List<(byte[] Key, byte[]? Value)> batch)
    {
        List<(byte[] Key, byte[]? Before)> undo = new(batch.Count);
        foreach ((byte[] key, byte[]? value) in batch)
        {
            undo.Add((key, Entries.GetValueOrDefault(key)));
            if (value is null)
                Entries.Remove(key);
            else
                Entries[key] = value;
        }

        _unsynced.AddLast(undo);
        if (_unsynced.Count > SimulatedDisk.UnsyncedMax)
            _unsynced.RemoveFirst();
    }

    /// <summary>What is on it is not lost with the power any more.</summary>
    internal void Sync() => _unsynced.Clear();

    internal void Undo(int batches)
    {
        for (; batches > 0 && _unsynced.Last is { } last; batches--)
        {
            for (int i = last.Value.Count - 1; i >= 0; i--)
            {
                (byte[] key, byte[]? before) = last.Value[i];
                if (before is null)
                    Entries.Remove(key);
                else
                    Entries[key] = before;
            }

            _unsynced.RemoveLast();
        }

        // What is left was there before the power failed.
        Sync();
    }

    internal SimulatedStoreFile Copy()
    {
        SimulatedStoreFile copy = new();
        foreach ((byte[] key, byte[] value) in Entries)
            copy.Entries.Add(key, value);
        return copy;
    }
}
