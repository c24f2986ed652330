using Microsoft.Extensions.Configuration;
using Presence.Host.Kafka;

namespace Presence.Host.Configuration;

/// <summary>A configuration that has been checked.</summary>
public sealed record Settings(PresenceOptions Presence, KafkaOptions Kafka, IConfigurationRoot Source)
{
    /// <summary>Whether there is no Kafka: everything runs on the embedded log.</summary>
    public bool IsEmbedded => Kafka.BootstrapServers.Length == 0;
}
