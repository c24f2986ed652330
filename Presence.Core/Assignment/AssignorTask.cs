using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>A task while it is being placed. Members are indices into the assignor's table.</summary>
internal sealed class AssignorTask(TaskId id, int stage)
{
    public TaskId Id { get; } = id;

    /// <summary>Index of its stage.</summary>
    public int Stage { get; } = stage;

    /// <summary>The placements in force.</summary>
    public List<(int Member, ReplicaRole Role, int Worker)> Current { get; } = [];

    /// <summary>Copies of its state, in the order of the members.</summary>
    public List<(int Member, long Offset)> Copies { get; } = [];

    /// <summary>Offset of the furthest copy; -1: there is none.</summary>
    public long Furthest { get; set; } = -1;

    /// <summary>Who runs it, or holds it still; -1 nobody.</summary>
    public int Owner { get; set; } = -1;

    /// <summary>The owner's worker; -1: to be chosen.</summary>
    public int OwnerWorker { get; set; } = -1;

    /// <summary>The owner is to give it up.</summary>
    public bool IsReleasing { get; set; }

    /// <summary>Who is to run it next; -1: nobody else.</summary>
    public int Target { get; set; } = -1;

    /// <summary>Who follows it, beside owner and target.</summary>
    public List<int> Standbys { get; } = [];

    /// <summary>Whether a member follows its changelog now.</summary>
    public bool Follows(int member)
    {
        foreach (var (held, role, _) in Current)
        {
            if (held == member && role is ReplicaRole.Standby or ReplicaRole.Warming)
                return true;
        }

        return false;
    }
}
