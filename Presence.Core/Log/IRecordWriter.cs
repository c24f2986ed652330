namespace Presence.Core.Log;

/// <summary>Writes keyed records outside transactions: what comes from outside (ingest, replay). Thread-safe.</summary>
public interface IRecordWriter : IDisposable
{
    /// <summary>
    /// Completes when the log holds all of them; faults with <see cref="LogException"/> when it does not hold all
    /// (some may be there: the caller repeats them all, and duplicates are the stages' everyday business).
    /// </summary>
    Task Append(IReadOnlyList<ProducedRecord> records, CancellationToken cancellation);
}
