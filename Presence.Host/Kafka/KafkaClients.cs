using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Presence.Host.Kafka;

/// <summary>What all Kafka clients of a process have in common: configuration and logging.</summary>
internal sealed class KafkaClients(KafkaOptions options, ILogger logger)
{
    public string BootstrapServers => options.BootstrapServers;

    public ILogger Logger => logger;

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
        // Each attempt to reconnect fails anew while a broker is away; that it is away is said by ERROR, once.
        if (message.Facility == "FAIL")
            level = LogLevel.Debug;
        logger.KafkaClient(level, message.Name, message.Facility, message.Message);
    }
}
