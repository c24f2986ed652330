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
        private SimulatedWrite? _write;
        private long _doneAt;
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

        public void WriteBatch()
        {
            BeginWrite();
            EndWrite(wait: true);
        }

        public void BeginWrite(bool asFile = false)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_write is { IsReported: false })
                throw new InvalidOperationException("The store is being written.");
            ThrowIfFailed();
            onCall?.Invoke("before a write batch");
            SimulatedWrite write = _write = file.Pending = new SimulatedWrite(disk, file, _batch, asFile);
            _batch = [];
            TimeSpan takes = disk.World.Span(0, disk.World.Faults.Strikes(SimulatedFault.SlowDisk, 0.3) ? 8_000 : 20);
            // Readers may see it before its writer is told.
            disk.World.After(takes * 0.9, write.Do);
            _doneAt = disk.World.Now + (long)takes.TotalMicroseconds;
        }

        public bool EndWrite(bool wait)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_write is null)
                return true;
            long left = _doneAt - disk.World.Now;
            if (left > 0 && !wait && !_write.IsReported)
                return false;
            if (left > 0 && !_write.IsReported)
                onSlow?.Invoke(TimeSpan.FromMicroseconds(left));
            _write.Do();
            _write.IsReported = true;
            ThrowIfFailed();
            onCall?.Invoke("after a write batch");
            return true;
        }

        private void ThrowIfFailed()
        {
            if (_write is { HasFailed: true })
                throw new StoreException("No space left on device", isCorruption: false);
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
                file.Leave(disk.World);
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
