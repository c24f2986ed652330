using Presence.Core.Assignment;

namespace Presence.Core.Runtime;

/// <summary>What an instance knows of its fleet. Immutable.</summary>
/// <param name="Planner">The instance that plans; null while nobody has.</param>
/// <param name="IsPlanner">Whether that is this one.</param>
/// <param name="Plan">Number of the last plan; 0 before the first.</param>
/// <param name="PlannedAt">Wall clock of the planner then, ms.</param>
/// <param name="Reasons">What it changed and why, one sentence each.</param>
/// <param name="Members">All incarnations that are not done with.</param>
public sealed record FleetStatus(string? Planner, bool IsPlanner, long Plan, long PlannedAt, IReadOnlyList<string> Reasons, IReadOnlyList<FleetMemberStatus> Members);

/// <summary>One incarnation.</summary>
/// <param name="Instance">The instance it is a life of.</param>
/// <param name="Incarnation">Its id.</param>
/// <param name="State">Where it stands in the control log.</param>
/// <param name="Reason">Why it is condemned or refused; empty otherwise.</param>
/// <param name="Rack">Failure zone; empty where it has none or is not known here.</param>
/// <param name="Endpoint">Where its page is; empty where not known.</param>
/// <param name="SilentFor">ms since it was last heard; -1 where this instance does not listen (only planner and deputies do).</param>
/// <param name="Copies">Its part of the plan.</param>
public sealed record FleetMemberStatus(string Instance, string Incarnation, IncarnationState State, string Reason, string Rack, string Endpoint, long SilentFor, IReadOnlyList<FleetCopyStatus> Copies);

/// <summary>One copy of a task's state.</summary>
/// <param name="Task">Whose.</param>
/// <param name="Role">What is done with it.</param>
/// <param name="Behind">Changelog records behind the furthest copy; -1 not known here.</param>
public readonly record struct FleetCopyStatus(TaskId Task, ReplicaRole Role, long Behind);
