namespace Presence.Core.Assignment;

/// <summary>What an incarnation does with a copy of a task's state, as it says itself.</summary>
public enum CopyState
{
    /// <summary>It lies on the disk.</summary>
    OnDisk,

    /// <summary>It follows the changelog.</summary>
    Following,

    /// <summary>It follows the changelog, and has all of it that could be read.</summary>
    Ready,

    /// <summary>The task is held: it is being taken over, or given up.</summary>
    Held,

    /// <summary>The task is held, and runs.</summary>
    Running,
}
