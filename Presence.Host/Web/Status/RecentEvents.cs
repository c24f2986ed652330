using Presence.Core.Runtime;

namespace Presence.Host.Web.Status;

/// <summary>The last things that happened to the instance and its tasks, and how many plans the last hour brought.</summary>
internal sealed class RecentEvents(TimeProvider time) : ILifecycleListener
{
    private const int EventsMax = 100;
    private const long Hour = 3_600_000;

    private readonly Lock _lock = new();
    private readonly Queue<LifecycleEvent> _events = new();
    private readonly Queue<long> _plans = new();

    /// <inheritdoc/>
    public void OnEvent(in LifecycleEvent happened)
    {
        lock (_lock)
        {
            _events.Enqueue(happened);
            if (_events.Count > EventsMax)
                _events.Dequeue();
            if (happened.Kind == LifecycleKind.PlanRead)
                _plans.Enqueue(happened.At);
            Forget();
        }
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<LifecycleEvent> Newest()
    {
        lock (_lock)
            return [.. _events.Reverse()];
    }

    /// <summary>Plans read within the last hour.</summary>
    public int PlansLastHour()
    {
        lock (_lock)
        {
            Forget();
            return _plans.Count;
        }
    }

    private void Forget()
    {
        long since = time.GetUtcNow().ToUnixTimeMilliseconds() - Hour;
        while (_plans.TryPeek(out long at) && at < since)
            _plans.Dequeue();
    }
}
