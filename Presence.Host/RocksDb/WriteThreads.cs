using System.Collections.Concurrent;

namespace Presence.Host.RocksDb;

/// <summary>Threads that do what takes long with stores, so that who has records to process goes on meanwhile.</summary>
internal sealed class WriteThreads
{
    private readonly BlockingCollection<RocksDbWrite> _writes = [];

    /// <summary>So many at once, each of another store.</summary>
    public WriteThreads(string name, int count)
    {
        for (int i = 0; i < count; i++)
            new Thread(Run) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Does it when a thread is free. Throws <see cref="InvalidOperationException"/> when they have ended.</summary>
    public void Add(RocksDbWrite write) => _writes.Add(write);

    /// <summary>They end when all that was added has been done. Nobody waits for that: a disk may never answer, and the process must be able to end.</summary>
    public void End() => _writes.CompleteAdding();

    private void Run()
    {
        foreach (RocksDbWrite write in _writes.GetConsumingEnumerable())
            write.Do();
    }
}
