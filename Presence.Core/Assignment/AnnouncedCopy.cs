using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>One copy of a task's state.</summary>
/// <param name="Task">Whose state.</param>
/// <param name="State">What is done with it.</param>
/// <param name="ChangelogOffset">Next changelog offset it would apply.</param>
public readonly record struct AnnouncedCopy(TaskId Task, CopyState State, long ChangelogOffset)
{
    /// <summary>Whether the task may be run by who announces it.</summary>
    public bool IsHeld => State is CopyState.Held or CopyState.Running;
}
