using Presence.Core.Log.Simulated;

namespace Presence.Core.State.Simulated;

/// <summary>A simulated disk as one process uses it.</summary>
/// <param name="disk">Where they lie.</param>
/// <param name="onCall">Called before and after each write with its name; may throw.</param>
/// <param name="onSlow">Called with how long a write takes, where it takes long.</param>
public sealed class SimulatedStores(SimulatedDisk disk, Action<string>? onCall = null, Action<TimeSpan>? onSlow = null) : IStateStoreProvider
{
    private readonly SimulatedDisk _disk = disk;
    private readonly Action<string>? _onCall = onCall;
    private readonly Action<TimeSpan>? _onSlow = onSlow;

    private sealed class Store(SimulatedStores stores, SimulatedStoreFile file) : IStateStore
    {
        private List<(byte[] Key, byte[]? Value)> _batch = [];
        private SimulatedWrite? _write;
        private long _doneAt;
        private bool _disposed;

        public bool HasBegunToWrite => true;

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
            stores._onCall?.Invoke("before a write batch");
            SimulatedWrite write = _write = file.Pending = new SimulatedWrite(stores._disk, file, _batch, asFile);
            _batch = [];
            TimeSpan takes = stores.TimeOfCall(20);
            // Readers may see it before its writer is told.
            stores.World.After(takes * 0.9, write.Do);
            _doneAt = stores.World.Now + (long)takes.TotalMicroseconds;
        }

        public bool EndWrite(bool wait)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_write is null)
                return true;
            long left = _doneAt - stores.World.Now;
            if (left > 0 && !wait && !_write.IsReported)
                return false;
            if (left > 0 && !_write.IsReported)
                stores._onSlow?.Invoke(TimeSpan.FromMicroseconds(left));
            _write.Do();
            _write.IsReported = true;
            ThrowIfFailed();
            stores._onCall?.Invoke("after a write batch");
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
            if (_disposed)
                return;
            _disposed = true;
            file.Leave(stores.World);
            stores._onSlow?.Invoke(file.CloseTakes);
        }
    }

    private sealed class Opening(SimulatedStores stores, string task, SimulatedStoreFile file) : IStoreOpening
    {
        private readonly long _begunAt = stores.World.Now + (long)stores.TimeOfCall(20).TotalMicroseconds;
        private readonly TimeSpan _takes = stores.TimeOfCall(200);
        private bool _isTaken;

        public bool HasBegun => stores.World.Now >= _begunAt;

        public IStateStore? TryTake()
        {
            if (file.Hangs || stores.World.Now < _begunAt + (long)_takes.TotalMicroseconds)
                return null;
            _isTaken = true;
            string? failure = file.IsUnreadable ? "Permission denied"
                // What was made a moment ago is not damaged yet.
                : file.Entries.Count > 0 && stores.World.Faults.Strikes(SimulatedFault.CorruptStore, 0.5) ? "a checksum that does not match"
                : null;
            if (failure is null)
                return new Store(stores, file);
            file.IsOpen = false;
            throw new StoreException($"The store of {task}: {failure}.", isCorruption: !file.IsUnreadable);
        }

        public void Dispose()
        {
            if (!_isTaken)
                file.IsOpen = false;
            _isTaken = true;
        }
    }

    /// <inheritdoc/>
    public IStoreOpening BeginOpen(string task)
    {
        SimulatedStoreFile file = _disk.Open(task);
        if (file.IsOpen)
            throw new InvalidOperationException($"The store of {task} is opened twice.");
        file.IsOpen = true;
        return new Opening(this, task, file);
    }

    /// <inheritdoc/>
    public void Delete(string task) => _disk.Delete(task);

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Existing() => [.. _disk.Files.Keys];

    /// <inheritdoc/>
    public void Dispose()
    {
        // The disk outlives the process.
    }

    private SimulatedWorld World => _disk.World;

    private TimeSpan TimeOfCall(double ordinaryMax) => World.Span(0, World.Faults.Strikes(SimulatedFault.SlowDisk, 0.3) ? 8_000 : ordinaryMax);
}
