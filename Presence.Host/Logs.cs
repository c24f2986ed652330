using Microsoft.Extensions.Logging;

namespace Presence.Host;

/// <summary>Every log message of the host.</summary>
internal static partial class Logs
{
    [LoggerMessage(100, LogLevel.Critical, "The {Loop} loop failed; the instance ends")]
    public static partial void LoopFailed(this ILogger logger, string loop, Exception e);

    [LoggerMessage(EventId = 101, Message = "Kafka client {Client}: {Facility}: {Text}")]
    public static partial void KafkaClient(this ILogger logger, LogLevel level, string client, string facility, string text);

    [LoggerMessage(102, LogLevel.Critical, "Presence ends: {Reason}")]
    public static partial void RuntimeFailed(this ILogger logger, string reason);

    [LoggerMessage(103, LogLevel.Information, "Presence runs on the {Log}, state in {StateDirectory}, instance {InstanceId}")]
    public static partial void RunsOn(this ILogger logger, string log, string stateDirectory, string instanceId);

    [LoggerMessage(104, LogLevel.Warning, "{Notice}")]
    public static partial void StateDirectoryNotice(this ILogger logger, string notice);

    [LoggerMessage(105, LogLevel.Warning, "Records are read and written the client's own, slower way: {Reason}")]
    public static partial void KafkaIsPlain(this ILogger logger, string reason);

    [LoggerMessage(106, LogLevel.Information, "Memory: {Budget}")]
    public static partial void Memory(this ILogger logger, string budget);

    [LoggerMessage(107, LogLevel.Warning, "Memory may not suffice: {Budget}. Lower Presence:RocksDb:BlockCacheBytes, Presence:RocksDb:WriteBufferBytes or Presence:Workers, or raise the limit")]
    public static partial void MemoryTight(this ILogger logger, string budget);

    [LoggerMessage(108, LogLevel.Warning, "{Reason}. It is tried again in {Pause}")]
    public static partial void NotMaintained(this ILogger logger, string reason, TimeSpan pause);

    #region Web and ingest

    [LoggerMessage(400, LogLevel.Warning, "The live board failed and begins anew in {Pause}")]
    public static partial void BoardFailed(this ILogger logger, TimeSpan pause, Exception e);

    [LoggerMessage(401, LogLevel.Warning, "Ingest: the log did not take {Records} records: {Reason}")]
    public static partial void IngestFailed(this ILogger logger, int records, string reason);

    #endregion
}
