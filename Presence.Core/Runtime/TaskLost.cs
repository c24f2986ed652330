namespace Presence.Core.Runtime;

/// <summary>A worker has closed a task that must go through takeover again.</summary>
/// <param name="Task">Which.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="IsDamaged">Its store is damaged and cannot be used again.</param>
public sealed record TaskLost(TaskId Task, string Reason, bool IsDamaged);
