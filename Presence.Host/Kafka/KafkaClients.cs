using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Presence.Host.Kafka.Native;

namespace Presence.Host.Kafka;

/// <summary>What all Kafka clients of a process have in common: configuration, logging, and the library under them.</summary>
internal sealed class KafkaClients(KafkaOptions options, TimeProvider time, ILogger logger, bool isPlain = false)
{
    private static readonly TimeSpan ErrorRepeat = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, long> _errorLoggedAt = new();
    private readonly Lazy<LibrdKafka?> _library = new(() => isPlain ? null : Load(logger));

    public string BootstrapServers => options.BootstrapServers;

    public ILogger Logger => logger;

    public TimeProvider Time => time;

    /// <summary>By which records pass without the client's wrapping; null where they have to go the client's own way.</summary>
    public LibrdKafka? Library => _library.Value;

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

    private static LibrdKafka? Load(ILogger logger)
    {
        LibrdKafka? library = LibrdKafka.Load(out string reason);
        if (library is null)
            logger.KafkaIsPlain(reason);
        return library;
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
