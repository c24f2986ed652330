namespace Presence.Core.Assignment;

/// <summary>What an incarnation does with its copy of a task's state, as the plan has it.</summary>
public enum ReplicaRole
{
    /// <summary>Runs the task; at most one of all.</summary>
    Active,

    /// <summary>Has been told to give the task up and has not said yet that it has: nobody else may run it.</summary>
    Releasing,

    /// <summary>Follows the changelog, ready to take over.</summary>
    Standby,

    /// <summary>Follows the changelog in order to become active here, for balance.</summary>
    Warming,

    /// <summary>Nobody needs it any more: it is to be deleted.</summary>
    Obsolete,
}
