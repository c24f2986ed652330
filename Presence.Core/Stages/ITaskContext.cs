namespace Presence.Core.Stages;

/// <summary>
/// What a stage may touch while it handles one record or timer of its task: the task's state, its clock and its
/// outputs. All of it takes effect with the transaction the record belongs to, or not at all.
/// </summary>
public interface ITaskContext
{
    /// <summary>
    /// The task's clock, ms since 1970-01-01 UTC: the slowest of the clocks of the inputs that
    /// <see cref="StageDefinition"/> names as clock inputs. It starts at <see cref="long.MinValue"/>, moves with
    /// records, runs on at the wall clock's pace while the task is idle and has read everything, and never falls.
    /// </summary>
    long Clock { get; }

    /// <summary>The largest event time read from an input whose decoder said that it moves the clock; long.MinValue before the first.</summary>
    long StreamTime(int input);

    /// <summary>Wall-clock time, ms since 1970-01-01 UTC. For clamping what lies in the future, for nothing else.</summary>
    long WallClock { get; }

    /// <summary>
    /// Reads a value. The span is valid until the next call of TryGet, Put or Delete.
    /// Returns false where the key is absent.
    /// </summary>
    bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value);

    /// <summary>
    /// Writes a value. <see cref="StageDefinition.TimerOf"/> of the value is the key's timer: earlier timers of the key
    /// are forgotten with the value that carried them. <paramref name="value"/> must not be the span TryGet returned.
    /// </summary>
    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Removes a key and its timer.</summary>
    void Delete(ReadOnlySpan<byte> key);

    /// <summary>
    /// Emits a record to an output (index into <see cref="StageDefinition.Outputs"/>). The partition follows from the
    /// key. <paramref name="timestamp"/>: event time in ms.
    /// </summary>
    void Emit(int output, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long timestamp);

    /// <summary>Emits a null value.</summary>
    void EmitTombstone(int output, ReadOnlySpan<byte> key, long timestamp);

    /// <summary>Counts something for the metrics: an index into <see cref="StageDefinition.Counters"/>.</summary>
    void Count(int counter);
}
