namespace Presence.Core.Runtime;

/// <summary>One stage at one partition: the unit of state, ordering, placement and recovery.</summary>
public readonly record struct TaskId(string Stage, int Partition)
{
    /// <summary><c>walk-in-3</c>; names the store directory.</summary>
    public override string ToString() => $"{Stage}-{Partition}";
}
