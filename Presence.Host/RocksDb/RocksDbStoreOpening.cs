using Presence.Core.State;

namespace Presence.Host.RocksDb;

/// <summary>A store that one of the threads for it opens.</summary>
internal sealed class RocksDbStoreOpening : IStoreOpening
{
    private readonly TaskCompletionSource<RocksDbStateStore> _opened = new();
    private bool _isTaken;

    // 0: no thread has begun with it.
    private int _begun;

    /// <summary>Begins.</summary>
    public RocksDbStoreOpening(string path, RocksDbResources resources, TimeProvider time)
    {
        try
        {
            resources.Openings.Add(() => Open(path, resources, time));
        }
        catch (InvalidOperationException e)
        {
            _opened.SetException(new StoreException($"{path} is not opened any more: {e.Message}", isCorruption: false, e));
        }
    }

    /// <inheritdoc/>
    public bool HasBegun => Volatile.Read(ref _begun) != 0;

    /// <inheritdoc/>
    public IStateStore? TryTake()
    {
        if (!_opened.Task.IsCompleted)
            return null;
        _isTaken = true;
        return _opened.Task.GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isTaken)
            return;
        _isTaken = true;
        if (Interlocked.Exchange(ref _begun, 1) == 0)
            return;
        // Whatever it failed with, there is nothing to close.
        ((IAsyncResult)_opened.Task).AsyncWaitHandle.WaitOne();
        if (_opened.Task.IsCompletedSuccessfully)
            _opened.Task.Result.Dispose();
    }

    private void Open(string path, RocksDbResources resources, TimeProvider time)
    {
        if (Interlocked.Exchange(ref _begun, 1) != 0)
            return;
        try
        {
            _opened.SetResult(new RocksDbStateStore(path, resources, time));
        }
#pragma warning disable CA1031 // Its owner gets whatever it failed with, or would wait for ever.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _opened.SetException(e);
        }
    }
}
