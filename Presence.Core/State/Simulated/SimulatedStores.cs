using Presence.Core.Log.Simulated;

namespace Presence.Core.State.Simulated;

/// <summary>A simulated disk as one process uses it.</summary>
/// <param name="disk">Where they lie.</param>
/// <param name="onCall">Called before and after each write with its name; may throw.</param>
/// <param name="onSlow">Called with how long a write takes, where it takes long.</param>
public sealed class SimulatedStores(SimulatedDisk disk, Action<string>? onCall = null, Action<TimeSpan>? onSlow = null) : IStateStoreProvider
{
    private sealed class Store(SimulatedDisk disk, SimulatedStoreFile file, Action<string>? onCall, Action<TimeSpan>? onSlow) : IStateStore
    {
        private List<(byte[] Key, byte[]? Value)> _batch = [];
        private bool _asFile;
        private long _doneAt;
        private bool _failed;
        private bool _disposed;

        public StoreFigures Figures => new(0, 0, file.Entries.Count);

        public int TryGet(ReadOnlySpan<byte> key, ref byte[] destination)
        {
            if (key[0] == StoreKeys.StatePrefix)
                ThrowIfDamaged();
            if (!file.Entries.TryGetValue(key.ToArray(), out byte[]? value))
                return -1;
            if (destination.Length < value.Length)
                destination = new byte[value.Length];
            value.CopyTo(destination, 0);
            return value.Length;
        }

        public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, StoreVisitor visitor)
        {
            ThrowIfDamaged();
            foreach ((byte[] key, byte[] value) in file.Entries)
            {
                if (key.AsSpan().SequenceCompareTo(from) < 0)
                    continue;
                if (key.AsSpan().SequenceCompareTo(to) >= 0 || !visitor(key, value))
                    return;
            }
        }

        public void BeginBatch() => _batch = [];

        public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _batch.Add((key.ToArray(), value.ToArray()));

        public void Delete(ReadOnlySpan<byte> key) => _batch.Add((key.ToArray(), null));

        public void BeginWrite(bool asFile = false)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (file.Pending is not null)
                throw new InvalidOperationException("The store is being written.");
            onCall?.Invoke("before a write batch");
            file.Pending = _batch;
            _batch = [];
            _asFile = asFile;
            _doneAt = disk.World.Now + (long)disk.World.Span(0, disk.World.Faults.Strikes(SimulatedFault.SlowDisk, 0.3) ? 8_000 : 20).TotalMicroseconds;
        }

        public bool EndWrite(bool wait)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_failed)
                throw new StoreException("It failed before", isCorruption: false);
            if (file.Pending is null)
                return true;
            long left = _doneAt - disk.World.Now;
            if (left > 0 && !wait)
                return false;
            if (left > 0)
                onSlow?.Invoke(TimeSpan.FromMicroseconds(left));
            if (disk.World.Now < disk.FullUntil)
            {
                file.Pending = null;
                _failed = true;
                throw new StoreException("No space left on device", isCorruption: false);
            }

            file.WritePending();
            if (_asFile)
                file.Sync();
            if (disk.World.Faults.Strikes(SimulatedFault.CorruptStore, 0.05))
                file.IsDamaged = true;
            onCall?.Invoke("after a write batch");
            return true;
        }

        private void ThrowIfDamaged()
        {
            if (file.IsDamaged)
                throw new StoreException("A block has a checksum that does not match.", isCorruption: true);
        }

        public void Dispose()
        {
            if (!_disposed)
            {
                if (disk.World.Now >= disk.FullUntil)
                    file.WritePending();
                file.Pending = null;
                file.IsOpen = false;
            }

            _disposed = true;
        }
    }

    /// <inheritdoc/>
    public IStateStore Open(string task)
    {
        SimulatedStoreFile file = disk.Open(task);
        if (file.IsOpen)
            throw new InvalidOperationException($"The store of {task} is opened twice.");
        if (file.IsUnreadable)
            throw new StoreException($"The store of {task}: Permission denied.", isCorruption: false);
        // What was made a moment ago is not damaged yet.
        if (file.Entries.Count > 0 && disk.World.Faults.Strikes(SimulatedFault.CorruptStore, 0.5))
            throw new StoreException($"The store of {task} has a checksum that does not match.", isCorruption: true);
        file.IsOpen = true;
        return new Store(disk, file, onCall, onSlow);
    }

    /// <inheritdoc/>
    public void Delete(string task) => disk.Delete(task);

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Existing() => [.. disk.Files.Keys];

    /// <inheritdoc/>
    public void Dispose()
    {
        // The disk outlives the process.
    }
}
