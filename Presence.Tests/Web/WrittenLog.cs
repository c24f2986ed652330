using System.Text;
using Presence.Core.Log;

namespace Presence.Tests.Web;

/// <summary>A log whose writer a test can hold up or break, and whose topics it can write and read.</summary>
internal sealed class WrittenLog(ILog inner) : ILog
{
    /// <summary>When set, the writer waits for it before it writes.</summary>
    public Task? Hold { get; set; }

    /// <summary>Completes when the writer waits for <see cref="Hold"/>.</summary>
    public TaskCompletionSource Held { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>When set, the writer fails with it.</summary>
    public LogException? Failure { get; set; }

    public string Description => inner.Description;

    public ILogAdmin Admin => inner.Admin;

    /// <summary>What the last consumer was made for.</summary>
    public IsolationLevel? ConsumerIsolation { get; private set; }

    public ILogConsumer CreateConsumer(string name, IsolationLevel isolation, FetchMode mode = FetchMode.Bulk)
    {
        ConsumerIsolation = isolation;
        return inner.CreateConsumer(name, isolation, mode);
    }

    public ITransactionalProducer CreateProducer(string transactionalId) => inner.CreateProducer(transactionalId);

    public IGroupMembership CreateMembership(string group, string instanceId, string controlTopic) => inner.CreateMembership(group, instanceId, controlTopic);

    public IRecordWriter CreateWriter() => new Writer(this, inner.CreateWriter());

    public Task CreateTopics(IReadOnlyCollection<TopicSpecification> topics, CancellationToken cancellation) => inner.Admin.CreateTopics(topics, cancellation);

    /// <summary>Writes a value as the pipeline would.</summary>
    public async Task Write(string topic, string key, string value)
    {
        using IRecordWriter writer = inner.CreateWriter();
        await writer.Append([new ProducedRecord(topic, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), 1_700_000_000_000)], CancellationToken.None);
    }

    /// <summary>All records of a topic; null values as null.</summary>
    public async Task<List<(string Key, string? Value)>> Read(string topic)
    {
        TopicDescription description = (await inner.Admin.DescribeTopics([topic], CancellationToken.None))[topic];
        Collector collector = new(description.Partitions);
        using ILogConsumer consumer = inner.CreateConsumer("test", IsolationLevel.ReadCommitted);
        for (int partition = 0; partition < description.Partitions; partition++)
            consumer.Add(new TopicPartition(topic, partition), partition, 0);
        for (int turn = 0; turn < 1000 && !collector.IsAtEnd; turn++)
            consumer.Poll(collector, 1000, TimeSpan.FromMilliseconds(10));
        Assert.That(collector.IsAtEnd, topic);
        return collector.Records;
    }

    public void Dispose() => inner.Dispose();

    private sealed class Writer(WrittenLog log, IRecordWriter writer) : IRecordWriter
    {
        public async Task Append(IReadOnlyList<ProducedRecord> records, CancellationToken cancellation)
        {
            if (log.Failure is not null)
                throw log.Failure;
            if (log.Hold is not null)
            {
                log.Held.TrySetResult();
                await log.Hold.WaitAsync(cancellation);
            }

            await writer.Append(records, cancellation);
        }

        public void Dispose() => writer.Dispose();
    }

    private sealed class Collector(int partitions) : ILogReceiver
    {
        private readonly HashSet<int> _ended = [];

        public List<(string Key, string? Value)> Records { get; } = [];

        public bool IsAtEnd => _ended.Count == partitions;

        public void OnRecord(int slot, in LogRecord record) =>
            Records.Add((Encoding.UTF8.GetString(record.Key), record.HasValue ? Encoding.UTF8.GetString(record.Value) : null));

        public void OnEnd(int slot, long position, long highWatermark) => _ended.Add(slot);

        public void OnFault(int slot, LogFault fault, long offset, string detail) => Assert.Fail(detail);
    }
}
