using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Presence.Core.Runtime;

/// <summary>Tells what happens to an instance and its tasks: to the log, the metrics, and whoever listens. Any thread.</summary>
public sealed class Lifecycle(ILogger logger, RuntimeMetrics metrics, TimeProvider time, IReadOnlyList<ILifecycleListener> listeners)
{
    internal void InstanceMoved(InstanceState to) => Tell(LifecycleKind.InstanceMoved, null, to.ToString().ToLowerInvariant());

    internal void InstanceRefused(string reason)
    {
        logger.InstanceRefused(reason);
        Tell(LifecycleKind.InstanceRefused, null, reason);
    }

    internal void IncarnationBegan(string incarnation, string instanceId, int workers)
    {
        metrics.IncarnationBegan();
        logger.IncarnationBegins(incarnation, instanceId, workers);
        Tell(LifecycleKind.IncarnationBegan, null, $"{incarnation}, with {workers} workers");
    }

    internal void IncarnationEnded(string incarnation, string reason)
    {
        logger.IncarnationEnds(incarnation, reason);
        Tell(LifecycleKind.IncarnationEnded, null, $"{incarnation}: {reason}");
    }

    internal void PlannerBegan(string instanceId)
    {
        logger.PlannerBegins(instanceId);
        Tell(LifecycleKind.PlannerBegan, null, "");
    }

    internal void PlannerEnded(string instanceId, string reason)
    {
        logger.PlannerEnds(instanceId, reason);
        Tell(LifecycleKind.PlannerEnded, null, reason);
    }

    internal void PlanRead(long number, int active, int followed)
    {
        metrics.PlanRead();
        logger.PlanApplied(number, active, followed);
        Tell(LifecycleKind.PlanRead, null, $"plan {number}: {active} tasks to run here, {followed} to follow");
    }

    internal void TaskFollows(TaskId task)
    {
        logger.TaskFollows(task.ToString());
        Tell(LifecycleKind.TaskFollows, task, "");
    }

    internal void TaskRestoring(TaskId task, long from, long to)
    {
        logger.RestoreBegins(task.ToString(), from, to);
        Tell(LifecycleKind.TaskRestoring, task, $"from changelog offset {from} to {to}");
    }

    internal void TaskRestored(TaskId task, long records, long bytes, TimeSpan after)
    {
        metrics.Restored(task.Stage, records);
        logger.RestoreEnded(task.ToString(), records, bytes, (long)after.TotalMilliseconds);
        Tell(LifecycleKind.TaskRestored, task, string.Create(CultureInfo.InvariantCulture, $"{records} changelog records replayed, ready after {after.TotalMilliseconds:0} ms"));
    }

    internal void TaskRuns(TaskId task, int worker)
    {
        logger.TaskRunning(task.ToString(), worker);
        Tell(LifecycleKind.TaskRuns, task, $"on worker {worker}");
    }

    internal void TaskReleased(TaskId task)
    {
        logger.TaskReleased(task.ToString());
        Tell(LifecycleKind.TaskReleased, task, "");
    }

    internal void TaskLost(TaskId task, string reason)
    {
        logger.TaskLost(task.ToString(), reason);
        Tell(LifecycleKind.TaskLost, task, reason);
    }

    internal void TaskStopped(TaskId task, string reason)
    {
        logger.TaskStopped(task.ToString(), reason);
        Tell(LifecycleKind.TaskStopped, task, reason);
    }

    internal void StoreRefused(TaskId task, string reason)
    {
        logger.StoreRefused(task.ToString(), reason);
        Tell(LifecycleKind.StoreRefused, task, reason);
    }

    internal void CopyDeleted(TaskId task)
    {
        logger.CopyDeleted(task.ToString());
        Tell(LifecycleKind.CopyDeleted, task, "");
    }

    private void Tell(LifecycleKind kind, TaskId? task, string detail)
    {
        metrics.Happened(kind);
        LifecycleEvent happened = new(time.GetUtcNow().ToUnixTimeMilliseconds(), kind, task, detail);
        foreach (ILifecycleListener listener in listeners)
        {
            try
            {
                listener.OnEvent(happened);
            }
#pragma warning disable CA1031 // A listener's fault is not the runtime's.
            catch (Exception e)
#pragma warning restore CA1031
            {
                logger.ListenerFailed(listener.GetType().Name, kind, e);
            }
        }
    }
}
