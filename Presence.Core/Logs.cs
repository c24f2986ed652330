using Microsoft.Extensions.Logging;

namespace Presence.Core;

/// <summary>Every log message of the runtime.</summary>
internal static partial class Logs
{
    [LoggerMessage(1, LogLevel.Information, "Incarnation {Incarnation} of instance {InstanceId} begins with {Workers} workers")]
    public static partial void IncarnationBegins(this ILogger logger, string incarnation, string instanceId, int workers);

    [LoggerMessage(2, LogLevel.Error, "Incarnation {Incarnation} ends: {Reason}")]
    public static partial void IncarnationEnds(this ILogger logger, string incarnation, string reason);

    [LoggerMessage(3, LogLevel.Information, "Incarnation {Incarnation} of instance {InstanceId} was left over and has been fenced")]
    public static partial void IncarnationFenced(this ILogger logger, string incarnation, string instanceId);

    [LoggerMessage(4, LogLevel.Error, "The instance stops, as going on would be unsafe: {Reason}")]
    public static partial void InstanceRefused(this ILogger logger, string reason);

    [LoggerMessage(5, LogLevel.Warning, "The instance waits: {Reason}")]
    public static partial void InstanceWaits(this ILogger logger, string reason);

    [LoggerMessage(6, LogLevel.Warning, "The ends of the inputs are not known at the moment, idle inputs wait for them: {Reason}")]
    public static partial void EndsUnknown(this ILogger logger, string reason);

    [LoggerMessage(10, LogLevel.Information, "Task {Task} runs on worker {Worker}")]
    public static partial void TaskRunning(this ILogger logger, string task, int worker);

    [LoggerMessage(11, LogLevel.Error, "Task {Task} has stopped and waits for an operator: {Reason}")]
    public static partial void TaskStopped(this ILogger logger, string task, string reason);

    [LoggerMessage(12, LogLevel.Warning, "Task {Task} is closed and taken over anew: {Reason}")]
    public static partial void TaskLost(this ILogger logger, string task, string reason);

    [LoggerMessage(13, LogLevel.Warning, "Task {Task} cannot process the record at {Partition} offset {Offset}, which is put aside: {Reason}")]
    public static partial void RecordFailed(this ILogger logger, string task, string partition, long offset, string reason);

    [LoggerMessage(14, LogLevel.Warning, "Task {Task} passes over a damaged batch at {Partition} offset {Offset}: {Detail}")]
    public static partial void CorruptBatch(this ILogger logger, string task, string partition, long offset, string detail);

    [LoggerMessage(15, LogLevel.Error, "Task {Task} lost input: retention has passed {Partition} offsets {From} to {To}, which were never processed")]
    public static partial void InputLost(this ILogger logger, string task, string partition, long from, long to);

    [LoggerMessage(20, LogLevel.Information, "Task {Task} replays its changelog from offset {From} to {To}")]
    public static partial void RestoreBegins(this ILogger logger, string task, long from, long to);

    [LoggerMessage(21, LogLevel.Information, "Task {Task} is restored: {Records} changelog records ({Bytes} bytes) replayed, ready after {Milliseconds} ms")]
    public static partial void RestoreEnded(this ILogger logger, string task, long records, long bytes, long milliseconds);

    [LoggerMessage(22, LogLevel.Warning, "The store of task {Task} is refused and rebuilt from its changelog: {Reason}")]
    public static partial void StoreRefused(this ILogger logger, string task, string reason);

    [LoggerMessage(23, LogLevel.Warning, "The takeover of task {Task} waits: {Reason}")]
    public static partial void TakeoverWaits(this ILogger logger, string task, string reason);

    [LoggerMessage(30, LogLevel.Warning, "Worker {Worker} aborts its transaction: {Reason}")]
    public static partial void TransactionAborting(this ILogger logger, int worker, string reason);

    [LoggerMessage(31, LogLevel.Error, "Worker {Worker}'s producer is finished: {Reason}")]
    public static partial void WorkerFailed(this ILogger logger, int worker, string reason);

    [LoggerMessage(32, LogLevel.Warning, "Worker {Worker} waits for the log to answer ({State}, {Seconds} s): {Reason}")]
    public static partial void CallUnanswered(this ILogger logger, int worker, string state, long seconds, string reason);

    [LoggerMessage(33, LogLevel.Warning, "Worker {Worker} has not come back for {Seconds} s from a step it began while it was {State}: a call to the log or the disk does not return")]
    public static partial void WorkerStuck(this ILogger logger, int worker, long seconds, string state);
}
