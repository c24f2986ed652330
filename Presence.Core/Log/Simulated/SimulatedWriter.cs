namespace Presence.Core.Log.Simulated;

/// <summary>Writes from outside; one that is sent again after a lost answer writes twice, as ingest may.</summary>
internal sealed class SimulatedWriter(SimulatedLog log) : IRecordWriter
{
    public Task Append(IReadOnlyList<ProducedRecord> records, CancellationToken cancellation)
    {
        TaskCompletionSource completion = new();
        log.Send(
            records[0].Topic,
            () =>
            {
                foreach (ProducedRecord record in records)
                    log.Cluster.Append(record.Topic, record.Key, record.Value, record.Timestamp);
                return LogResult.Ok;
            },
            _ => completion.TrySetResult());
        return completion.Task;
    }

    public void Dispose()
    {
        // It holds nothing.
    }
}
