using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Presence.Host.Kafka;

/// <summary>What all Kafka clients of a process have in common: configuration and logging.</summary>
internal sealed class KafkaClients(KafkaOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan ErrorRepeat = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, long> _errorLoggedAt = new();

    public string BootstrapServers => options.BootstrapServers;

    public ILogger Logger => logger;

    public TimeProvider Time => time;

    /// <summary>The user's settings over <paramref name="defaults"/>, under what the runtime owns.</summary>
    public Dictionary<string, string> Configure(string clientId, Dictionary<string, string> defaults, Dictionary<string, string> owned)
    {
        Dictionary<string, string> configuration = new(defaults)
        {
            // A quiet client must notice a dead connection before a call runs into it.
            ["socket.keepalive.enable"] = "true",
            ["retry.backoff.ms"] = "10",
            ["reconnect.backoff.ms"] = "20",
            ["reconnect.backoff.max.ms"] = "500",
        };
        foreach ((string key, string value) in options.Client)
            configuration[key] = value;
        foreach ((string key, string value) in owned)
            configuration[key] = value;
        configuration["bootstrap.servers"] = options.BootstrapServers;
        configuration["client.id"] = clientId;
        return configuration;
    }

    /// <summary>librdkafka's log lines, at their level.</summary>
    public void Log(LogMessage message)
    {
        LogLevel level = message.Level switch
        {
            SyslogLevel.Emergency or SyslogLevel.Alert or SyslogLevel.Critical => LogLevel.Error,
            SyslogLevel.Error or SyslogLevel.Warning => LogLevel.Warning,
            SyslogLevel.Notice => LogLevel.Information,
            _ => LogLevel.Debug,
        };
        // While a broker is away each attempt to reconnect fails anew. That it is away is said once in a while by each
        // client, as long as it lasts.
        if (message.Facility == "FAIL" || (message.Facility == "ERROR" && !IsTimeToRepeat(message.Name)))
            level = LogLevel.Debug;
        logger.KafkaClient(level, message.Name, message.Facility, message.Message);
    }

    private bool IsTimeToRepeat(string client)
    {
        long now = time.GetTimestamp();
        if (_errorLoggedAt.TryGetValue(client, out long before) && time.GetElapsedTime(before, now) < ErrorRepeat)
            return false;
        _errorLoggedAt[client] = now;
        return true;
    }
}
