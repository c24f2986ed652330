namespace Presence.Core.Log.Simulated;

/// <summary>Settings of a simulated cluster, by Kafka's meanings; spans are short, so that minutes see all of them pass.</summary>
public sealed class SimulatedClusterOptions
{
    /// <summary>Brokers; partitions and coordinators are spread over them.</summary>
    public int Brokers { get; init; } = 3;

    /// <summary><c>transaction.timeout.ms</c> of every producer.</summary>
    public TimeSpan TransactionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>transactional.id.expiration.ms</c>.</summary>
    public TimeSpan IdExpiration { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>offsets.retention.minutes</c>.</summary>
    public TimeSpan OffsetsRetention { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary><c>session.timeout.ms</c> of group members.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After which a client sends a request again.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary><c>message.max.bytes</c>: a longer record can never be sent.</summary>
    public int RecordBytesMax { get; init; } = 1_000_000;

    /// <summary>Keep all that was ever written for whoever checks; see <see cref="SimulatedPartition.Everything"/>.</summary>
    public bool KeepHistory { get; init; } = true;
}
