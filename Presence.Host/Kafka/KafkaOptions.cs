namespace Presence.Host.Kafka;

/// <summary><c>Kafka</c>: how to reach the brokers.</summary>
public sealed class KafkaOptions
{
    /// <summary>Bootstrap servers, <c>host:port,host:port</c>; empty: the embedded log.</summary>
    public string BootstrapServers { get; set; } = "";

    /// <summary>Client settings by librdkafka's names, given to every client; those the runtime owns are refused.</summary>
    public IDictionary<string, string> Client { get; set; } = new Dictionary<string, string>();
}
