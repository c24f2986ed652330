namespace Presence.Core.Runtime;

/// <summary>A store's disk that is waited for.</summary>
/// <param name="Task">Whose store.</param>
/// <param name="State">What is being done with it.</param>
/// <param name="Since">Wall clock, ms.</param>
public sealed record DiskWait(TaskId Task, TakeoverState State, long Since);
