namespace Presence.Core.Assignment;

/// <summary>A plan.</summary>
/// <param name="Placements">All placements from now on, ordered by task, then role, then incarnation.</param>
/// <param name="Reasons">What changes and why, one sentence each, for operators; empty when nothing changes.</param>
public sealed record AssignorResult(IReadOnlyList<Placement> Placements, IReadOnlyList<string> Reasons);
