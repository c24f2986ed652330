using System.Collections.Concurrent;

namespace Presence.Host.RocksDb;

/// <summary>Threads that do what takes long with stores, so that who has records to process goes on meanwhile.</summary>
internal sealed class WriteThreads : IDisposable
{
    private readonly BlockingCollection<RocksDbWrite> _writes = [];
    private readonly Thread[] _threads;

    /// <summary>So many at once, each of another store.</summary>
    public WriteThreads(string name, int count)
    {
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            _threads[i] = new Thread(Run) { Name = name, IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <summary>Does it when a thread is free.</summary>
    public void Add(RocksDbWrite write) => _writes.Add(write);

    /// <summary>Ends when all that was added has been done.</summary>
    public void Dispose()
    {
        _writes.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join();
        _writes.Dispose();
    }

    private void Run()
    {
        foreach (RocksDbWrite write in _writes.GetConsumingEnumerable())
            write.Do();
    }
}
