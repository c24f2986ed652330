using Microsoft.Extensions.Logging;

namespace Presence.Core;

/// <summary>Every log message of the runtime.</summary>
internal static partial class Logs
{
    [LoggerMessage(1, LogLevel.Information, "Incarnation {Incarnation} of instance {InstanceId} begins with {Workers} workers")]
    public static partial void IncarnationBegins(this ILogger logger, string incarnation, string instanceId, int workers);

    [LoggerMessage(2, LogLevel.Error, "Incarnation {Incarnation} ends: {Reason}")]
    public static partial void IncarnationEnds(this ILogger logger, string incarnation, string reason);

    [LoggerMessage(3, LogLevel.Information, "Instance {InstanceId} is the planner")]
    public static partial void PlannerBegins(this ILogger logger, string instanceId);

    [LoggerMessage(7, LogLevel.Warning, "Instance {InstanceId} is the planner no more: {Reason}")]
    public static partial void PlannerEnds(this ILogger logger, string instanceId, string reason);

    [LoggerMessage(8, LogLevel.Information, "Plan {Number}: {Reason}")]
    public static partial void PlanReason(this ILogger logger, long number, string reason);

    [LoggerMessage(37, LogLevel.Warning, "The transactional id {TransactionalId} of the ended incarnation {Incarnation} cannot be fenced yet, and its tasks wait: {Reason}")]
    public static partial void FencingRefused(this ILogger logger, string transactionalId, string incarnation, string reason);

    [LoggerMessage(9, LogLevel.Information, "Plan {Number} is read: {Active} tasks to run here, {Followed} to follow")]
    public static partial void PlanApplied(this ILogger logger, long number, int active, int followed);

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

    [LoggerMessage(16, LogLevel.Information, "Task {Task} is released: all it did is committed, and it is closed")]
    public static partial void TaskReleased(this ILogger logger, string task);

    [LoggerMessage(17, LogLevel.Information, "Task {Task} follows its changelog here")]
    public static partial void TaskFollows(this ILogger logger, string task);

    [LoggerMessage(18, LogLevel.Information, "The copy of task {Task} on this disk is deleted: the task runs elsewhere and has its replicas")]
    public static partial void CopyDeleted(this ILogger logger, string task);

    [LoggerMessage(19, LogLevel.Warning, "The copy of task {Task} on this disk, which nobody needs, cannot be deleted: {Reason}")]
    public static partial void CopyNotDeleted(this ILogger logger, string task, string reason);

    [LoggerMessage(20, LogLevel.Information, "Task {Task} replays its changelog from offset {From} to {To}")]
    public static partial void RestoreBegins(this ILogger logger, string task, long from, long to);

    [LoggerMessage(21, LogLevel.Information, "Task {Task} is restored: {Records} changelog records ({Bytes} bytes) replayed, ready after {Milliseconds} ms")]
    public static partial void RestoreEnded(this ILogger logger, string task, long records, long bytes, long milliseconds);

    [LoggerMessage(22, LogLevel.Warning, "The store of task {Task} is refused and rebuilt from its changelog: {Reason}")]
    public static partial void StoreRefused(this ILogger logger, string task, string reason);

    [LoggerMessage(23, LogLevel.Warning, "The takeover of task {Task} waits: {Reason}")]
    public static partial void TakeoverWaits(this ILogger logger, string task, string reason);

    [LoggerMessage(24, LogLevel.Warning, "Task {Task}: nothing past offset {Offset} of {Partition} can be read, though the log goes on to {End}: a transaction that neither commits nor aborts holds it back; see docs/operations.md, \"A transaction that hangs\"")]
    public static partial void InputHeld(this ILogger logger, string task, string partition, long offset, long end);

    [LoggerMessage(30, LogLevel.Warning, "Worker {Worker} aborts its transaction: {Reason}")]
    public static partial void TransactionAborting(this ILogger logger, int worker, string reason);

    [LoggerMessage(31, LogLevel.Error, "Worker {Worker}'s producer is finished: {Reason}")]
    public static partial void WorkerFailed(this ILogger logger, int worker, string reason);

    [LoggerMessage(32, LogLevel.Warning, "Worker {Worker} waits for the log to answer ({State}, {Seconds} s): {Reason}")]
    public static partial void CallUnanswered(this ILogger logger, int worker, string state, long seconds, string reason);

    [LoggerMessage(33, LogLevel.Warning, "{Loop} has not come back for {Seconds} s from a step it began while it was {State}: a call to the log or the disk does not return")]
    public static partial void LoopStuck(this ILogger logger, string loop, long seconds, string state);

    [LoggerMessage(34, LogLevel.Error, "The lifecycle listener {Listener} failed at {Kind}")]
    public static partial void ListenerFailed(this ILogger logger, string listener, Runtime.LifecycleKind kind, Exception exception);

    [LoggerMessage(35, LogLevel.Warning, "Worker {Worker} is left without its last commit ({State}), which the log has not answered for {Seconds} s: what was not committed is done again by whoever takes its tasks")]
    public static partial void LastCommitUnanswered(this ILogger logger, int worker, string state, long seconds);

    [LoggerMessage(36, LogLevel.Warning, "The group has given this instance's place away; it joins again unless the fleet knows of another process with its instance id: {Reason}")]
    public static partial void GroupLost(this ILogger logger, string reason);
}
