namespace Presence.Core.Assignment;

/// <summary>A stage and how many tasks it has: what the instances of one application must agree on.</summary>
public readonly record struct StageShape(string Stage, int Partitions);
