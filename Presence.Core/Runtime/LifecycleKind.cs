namespace Presence.Core.Runtime;

/// <summary>What can happen to an instance and its tasks.</summary>
public enum LifecycleKind
{
    /// <summary>The instance entered another <see cref="InstanceState"/>; the detail names it.</summary>
    InstanceMoved,

    /// <summary>The instance ends, as going on would be unsafe; the detail says why.</summary>
    InstanceRefused,

    IncarnationBegan,

    /// <summary>The incarnation ended before its time; the detail says why, another one begins.</summary>
    IncarnationEnded,

    /// <summary>This instance plans for the fleet from now on.</summary>
    PlannerBegan,

    PlannerEnded,

    /// <summary>A plan of the fleet was read; the detail says what this instance gets of it.</summary>
    PlanRead,

    /// <summary>A copy of a task's state follows its changelog here.</summary>
    TaskFollows,

    /// <summary>A task that is to run replays its changelog.</summary>
    TaskRestoring,

    TaskRestored,

    TaskRuns,

    /// <summary>Everything it did is committed and it is closed; another instance may have it.</summary>
    TaskReleased,

    /// <summary>It was closed in the middle of things and is taken over anew; the detail says why.</summary>
    TaskLost,

    /// <summary>It waits for a decision of an operator; the detail says which.</summary>
    TaskStopped,

    /// <summary>The state on this disk cannot be used and is rebuilt from the changelog; the detail says why.</summary>
    StoreRefused,

    /// <summary>A copy that nobody needs was deleted.</summary>
    CopyDeleted,
}
