using System.Collections.Concurrent;

namespace Presence.Host.Kafka;

/// <summary>
/// A thread that makes one client's blocking calls, one after the other, so that whoever drives that client is never
/// held up for longer than it wants to wait.
/// </summary>
internal sealed class CallThread
{
    private static readonly TimeSpan IdlePause = TimeSpan.FromSeconds(1);

    private readonly BlockingCollection<Action> _calls = [];
    private readonly Action _whenIdle;
    private Action? _last;

    /// <summary>
    /// Started at once; ends after what <see cref="End"/> was given. Does <paramref name="whenIdle"/> each second
    /// without a call.
    /// </summary>
    public CallThread(string name, Action whenIdle)
    {
        _whenIdle = whenIdle;
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
        // Not as one more call: the client that it takes away must not be looked after any more.
        _last = last;
        _calls.CompleteAdding();
    }

    private void Run()
    {
        while (!_calls.IsCompleted)
        {
            if (_calls.TryTake(out Action? call, IdlePause))
                call();
            else if (!_calls.IsAddingCompleted)
                _whenIdle();
        }

        _last!();
    }
}
