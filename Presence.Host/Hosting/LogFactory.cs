using Microsoft.Extensions.Logging;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Host.Configuration;
using Presence.Host.Embedded;
using Presence.Host.Kafka;

namespace Presence.Host.Hosting;

/// <summary>Opens the log a configuration asks for.</summary>
public static class LogFactory
{
    /// <summary>Kafka where bootstrap servers are configured, else the embedded log under <paramref name="directory"/>.</summary>
    public static ILog Open(Settings settings, string directory, TimeProvider time, ILoggerFactory loggers)
    {
        if (!settings.IsEmbedded)
            return new KafkaLog(settings.Kafka, time, loggers.CreateLogger<KafkaLog>());
        return OpenEmbedded(settings.Presence, Path.Combine(directory, "log"), time, sync: true);
    }

    /// <summary>An embedded log with all public topics: nobody else could create them.</summary>
    public static EmbeddedLog OpenEmbedded(PresenceOptions options, string path, TimeProvider time, bool sync)
    {
        EmbeddedLog log = new(path, time, sync);
        log.CreateTopics(TopicCatalog.Public(options.Topics.Names(), options.Topics.Partitions, null), CancellationToken.None).GetAwaiter().GetResult();
        return log;
    }
}
