using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>One entry of a plan.</summary>
/// <param name="Task">Which task.</param>
/// <param name="Incarnation">Whose copy.</param>
/// <param name="Role">What it does with it.</param>
/// <param name="Worker">Index of the worker that runs it; 0 for followers.</param>
public readonly record struct Placement(TaskId Task, string Incarnation, ReplicaRole Role, int Worker);
