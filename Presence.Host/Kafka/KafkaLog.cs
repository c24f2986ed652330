using Microsoft.Extensions.Logging;
using Presence.Core.Log;

namespace Presence.Host.Kafka;

/// <summary>Apache Kafka, 3.9 or newer, behind the seams.</summary>
public sealed class KafkaLog : ILog
{
    private readonly KafkaClients _clients;
    private readonly KafkaGroups _groups;
    private readonly KafkaAdmin _admin;

    /// <summary>Connects with the first call of a client.</summary>
    public KafkaLog(KafkaOptions options, TimeProvider time, ILogger<KafkaLog> logger)
        : this(new KafkaClients(options, time, logger))
    {
    }

    /// <summary>For tests of the way that records go where the library under the client cannot be called.</summary>
    internal KafkaLog(KafkaClients clients)
    {
        _clients = clients;
        _groups = new KafkaGroups(_clients);
        _admin = new KafkaAdmin(_clients);
    }

    /// <inheritdoc/>
    public string Description => $"Apache Kafka at {_clients.BootstrapServers}";

    /// <inheritdoc/>
    public ILogAdmin Admin => _admin;

    /// <inheritdoc/>
    public ILogConsumer CreateConsumer(string name, IsolationLevel isolation, FetchMode mode = FetchMode.Bulk) => new KafkaConsumer(_clients, name, isolation, mode);

    /// <inheritdoc/>
    public ITransactionalProducer CreateProducer(string transactionalId) => new KafkaProducer(_clients, _groups, transactionalId);

    /// <inheritdoc/>
    public IGroupMembership CreateMembership(string group, string instanceId, string controlTopic) => new KafkaMembership(_clients, group, instanceId, controlTopic);

    /// <inheritdoc/>
    public IRecordWriter CreateWriter() => new KafkaWriter(_clients);

    /// <inheritdoc/>
    public void Dispose() => _admin.Dispose();
}
