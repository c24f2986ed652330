using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Stages;

/// <summary>
/// The logic of one task. One instance per task, used by one thread at a time. It holds no state of its own between
/// calls but the decoded head record of each input (a decoded record stays until it is processed or decoded over);
/// everything else lives behind <see cref="ITaskContext"/>, since an aborted transaction takes it back.
/// </summary>
public interface IStage
{
    /// <summary>
    /// Decodes the record that has become the head of an input and keeps it. Never throws, whatever the bytes.
    /// May be called again with the same record after an abort. <paramref name="wallClock"/>: ms, for clamping what lies
    /// in the future.
    /// </summary>
    Decoded Decode(int input, in LogRecord record, long wallClock);

    /// <summary>Processes the record last decoded for <paramref name="input"/>, whose decoding succeeded.</summary>
    void Process(int input, ITaskContext context);

    /// <summary>
    /// The clock of the task has passed the timer of <paramref name="key"/>. <paramref name="value"/> is the key's
    /// value, valid until the first call on the context. The stage moves or removes the timer by putting a new value
    /// or deleting the key: a timer that it leaves in place fires again at once, which the runtime treats as a fault.
    /// Fires when <see cref="ITaskContext.Clock"/> &gt;= the timer's time, in the order of time, then key.
    /// </summary>
    void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context);
}
