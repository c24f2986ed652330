using System.Collections.Concurrent;

namespace Presence.Host.Kafka;

/// <summary>
/// A thread that makes one client's blocking calls, one after the other, so that whoever drives that client is never
/// held up for longer than it wants to wait.
/// </summary>
internal sealed class CallThread
{
    private readonly BlockingCollection<Action> _calls = [];

    /// <summary>Started at once; ends after what <see cref="End"/> was given.</summary>
    public CallThread(string name)
    {
        Thread thread = new(Run) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Makes a call when the ones before it have come back.</summary>
    public Task<T> Call<T>(Func<T> call)
    {
        TaskCompletionSource<T> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls.Add(() =>
        {
            try
            {
                completion.SetResult(call());
            }
#pragma warning disable CA1031 // Whoever waits for the call gets what it threw.
            catch (Exception e)
#pragma warning restore CA1031
            {
                completion.SetException(e);
            }
        });
        return completion.Task;
    }

    /// <summary>Makes a last call, and ends.</summary>
    public void End(Action last)
    {
        _calls.Add(last);
        _calls.CompleteAdding();
    }

    private void Run()
    {
        foreach (Action call in _calls.GetConsumingEnumerable())
            call();
        _calls.Dispose();
    }
}
