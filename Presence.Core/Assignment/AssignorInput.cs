using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>Everything a plan follows from.</summary>
/// <param name="Tasks">All tasks of the application.</param>
/// <param name="Members">Who can be given tasks: alive, and not about to leave.</param>
/// <param name="Current">The placements in force, of members only: those of ended incarnations are not there any more.</param>
/// <param name="StandbyReplicas">Copies beside the active one that each task should have.</param>
/// <param name="WarmingMax">How many tasks may be on the move at once for balance, over the whole fleet.</param>
/// <param name="AcceptableLag">A copy is caught up when it is at most so many changelog records behind the furthest one.</param>
public sealed record AssignorInput(
    IReadOnlyList<TaskId> Tasks,
    IReadOnlyList<FleetMember> Members,
    IReadOnlyList<Placement> Current,
    int StandbyReplicas,
    int WarmingMax,
    long AcceptableLag);
