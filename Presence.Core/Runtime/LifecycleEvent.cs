namespace Presence.Core.Runtime;

/// <summary>Something that happened to an instance or one of its tasks.</summary>
/// <param name="At">Wall clock, ms since 1970.</param>
/// <param name="Kind">What.</param>
/// <param name="Task">To which task; null: to the instance.</param>
/// <param name="Detail">More of it, in words for operators.</param>
public readonly record struct LifecycleEvent(long At, LifecycleKind Kind, TaskId? Task, string Detail);
