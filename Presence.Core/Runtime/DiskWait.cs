namespace Presence.Core.Runtime;

/// <summary>A store's disk that is waited for.</summary>
/// <param name="Task">Whose store.</param>
/// <param name="State">What is being done with it.</param>
/// <param name="Waited">How long, when it was last asked.</param>
public sealed record DiskWait(TaskId Task, TakeoverState State, TimeSpan Waited);
