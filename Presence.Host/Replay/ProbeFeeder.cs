using Presence.Core.Log;

namespace Presence.Host.Replay;

/// <summary>Writes probes to the log in batches, as fast as it takes them or at a multiple of life's pace.</summary>
internal sealed class ProbeFeeder(IRecordWriter writer, string topic, string business, string venue, TimeProvider time)
{
    private const int BatchRecordsMax = 1000;

    // At a given pace, records due within this time go together.
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    private readonly List<ProducedRecord> _batch = new(BatchRecordsMax);

    /// <summary>Probes that the log holds.</summary>
    public long Written { get; private set; }

    /// <summary>Event time of the last of them, ms; null before the first.</summary>
    public long? LastAt { get; private set; }

    /// <summary>
    /// Writes them all. <paramref name="speed"/>: event time per wall-clock time; null: as fast as the log takes them.
    /// <paramref name="progress"/> is called after each batch. Throws <see cref="CaptureException"/> and <see cref="LogException"/>.
    /// </summary>
    public async Task Feed(IEnumerable<CapturedProbe> probes, double? speed, Action progress, CancellationToken cancellation)
    {
        long began = time.GetTimestamp();
        long? first = null;
        foreach (CapturedProbe probe in probes)
        {
            first ??= probe.At;
            if (speed is { } factor)
            {
                TimeSpan ahead = TimeSpan.FromMilliseconds((probe.At - first.Value) / factor) - time.GetElapsedTime(began);
                if (ahead > Step)
                {
                    await Flush(progress, cancellation);
                    await Task.Delay(ahead, time, cancellation);
                }
            }

            _batch.Add(ProbeRecord.Of(topic, probe, business, venue, time.GetUtcNow().ToUnixTimeMilliseconds()));
            LastAt = probe.At;
            if (_batch.Count == BatchRecordsMax)
                await Flush(progress, cancellation);
        }

        await Flush(progress, cancellation);
    }

    private async Task Flush(Action progress, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_batch.Count == 0)
            return;
        await writer.Append(_batch, cancellation);
        Written += _batch.Count;
        _batch.Clear();
        progress();
    }
}
