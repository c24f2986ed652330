namespace Presence.Core.Stages;

/// <summary>
/// What the runtime must know of a stage to run it: its inputs, outputs, clock and timers. A service (the name users
/// switch on) has one or more stages; each stage has a task per partition of its co-partitioned inputs.
/// </summary>
public sealed class StageDefinition
{
    /// <summary>Unique name; names tasks (<c>walk-in-3</c>), the store and its changelog. Lower case, digits, hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>The service it belongs to, as in <c>Presence:Stages</c>; the consumer group is <c>application-service</c>.</summary>
    public required string Service { get; init; }

    /// <summary>Input topics, co-partitioned: task n reads partition n of each.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>
    /// Inputs (indices) whose clocks make the task's clock: the slowest of them counts, and before each has had a record
    /// there is no clock: what a slower stage is still about to write must not come too late.
    /// </summary>
    public required IReadOnlyList<int> ClockInputs { get; init; }

    /// <summary>Output topics.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>
    /// Topics that must have as many partitions as the inputs although the stage only writes them, since a later stage
    /// joins them with an input by key.
    /// </summary>
    public IReadOnlyList<string> CopartitionedOutputs { get; init; } = [];

    /// <summary>Names of what the stage counts (snake_case, as in the metric's <c>reason</c> label), e.g. <c>late</c>.</summary>
    public IReadOnlyList<string> Counters { get; init; } = [];

    /// <summary>
    /// The timer a state value carries, ms since 1970-01-01 UTC; <see cref="NoTimer"/> for none. Must follow from the
    /// bytes alone: restore builds the timers from it, they are not in the changelog.
    /// </summary>
    public required TimerOf TimerOf { get; init; }

    /// <summary>Makes the logic of one task.</summary>
    public required Func<IStage> Create { get; init; }

    /// <summary>A value of <see cref="TimerOf"/>: the key has no timer.</summary>
    public const long NoTimer = long.MaxValue;
}

/// <summary>Reads the timer out of a state value.</summary>
public delegate long TimerOf(ReadOnlySpan<byte> value);
