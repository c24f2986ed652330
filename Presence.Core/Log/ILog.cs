namespace Presence.Core.Log;

/// <summary>
/// A log: Apache Kafka, the embedded log, or a simulated cluster. The factory of everything the runtime needs of it.
/// Thread-safe; what it makes is owned by one thread each, unless it says otherwise.
/// </summary>
public interface ILog : IDisposable
{
    /// <summary>What it is, for people: <c>Apache Kafka at host:port</c>, <c>embedded log in path</c>.</summary>
    string Description { get; }

    /// <summary>A consumer at the given isolation level. <paramref name="name"/> is for logs and client ids.</summary>
    ILogConsumer CreateConsumer(string name, IsolationLevel isolation, FetchMode mode = FetchMode.Bulk);

    /// <summary>A producer; does not touch the log before its Init.</summary>
    ITransactionalProducer CreateProducer(string transactionalId);

    /// <summary>Membership of an instance in a group; does not touch the log before its first RunOnce.</summary>
    IGroupMembership CreateMembership(string group, string instanceId, string controlTopic);

    /// <summary>A writer for records from outside.</summary>
    IRecordWriter CreateWriter();

    /// <summary>The admin client, shared; disposed with the log.</summary>
    ILogAdmin Admin { get; }
}
