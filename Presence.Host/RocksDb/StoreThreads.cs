using System.Collections.Concurrent;

namespace Presence.Host.RocksDb;

/// <summary>Threads that do what takes long with stores, so that who has records to process goes on meanwhile.</summary>
internal sealed class StoreThreads
{
    private readonly BlockingCollection<Action> _work = [];

    /// <summary>So many at once, each of another store.</summary>
    public StoreThreads(string name, int count)
    {
        for (int i = 0; i < count; i++)
            new Thread(Run) { Name = name, IsBackground = true }.Start();
    }

    /// <summary>Does it when a thread is free. Throws <see cref="InvalidOperationException"/> when they have ended.</summary>
    public void Add(Action work) => _work.Add(work);

    /// <summary>They end when all that was added has been done. Nobody waits for that: a disk may never answer, and the process must be able to end.</summary>
    public void End() => _work.CompleteAdding();

    private void Run()
    {
        foreach (Action work in _work.GetConsumingEnumerable())
            work();
    }
}
