using Presence.Core.Log;

namespace Presence.Host.Embedded;

/// <summary>A reader of the embedded log. Both isolation levels see committed records only: others are never on disk.</summary>
internal sealed class EmbeddedConsumer(EmbeddedLog log) : LogConsumer
{
    private sealed class Assigned(TopicPartition partition, int slot, long position)
    {
        public TopicPartition Partition { get; } = partition;

        public int Slot { get; } = slot;

        public long Position { get; set; } = position;

        public long EndReported { get; set; } = -1;

        public bool Faulted { get; set; }

        /// <summary>When it is tried again, a timestamp.</summary>
        public long NotBefore { get; set; }
    }

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly List<Assigned> _assigned = [];
    private int _next;
    private volatile bool _woken;

    public override void Prepare(string topic)
    {
        // All is known at once.
    }

    public override void Add(TopicPartition partition, int slot, long offset)
    {
        Remove(partition);
        _assigned.Add(new Assigned(partition, slot, offset));
    }

    public override void Remove(TopicPartition partition) => _assigned.RemoveAll(a => a.Partition == partition);

    protected override int Read(ILogReceiver receiver, int maxRecords, TimeSpan wait)
    {
        int delivered = Deliver(receiver, maxRecords, out bool news);
        if (delivered == 0 && !news && wait > TimeSpan.Zero)
        {
            log.WaitForNews(wait, () => _woken);
            delivered = Deliver(receiver, maxRecords, out _);
        }

        _woken = false;
        return delivered;
    }

    public override void Wake()
    {
        _woken = true;
        log.Pulse();
    }

    protected override void Close()
    {
        // It has nothing but what the log has.
    }

    // Begins with another partition each time, so that none starves.
    private int Deliver(ILogReceiver receiver, int maxRecords, out bool news)
    {
        news = false;
        int delivered = 0;
        for (int i = 0; i < _assigned.Count && delivered < maxRecords; i++)
        {
            Assigned assigned = _assigned[(_next + i) % _assigned.Count];
            if (assigned.Faulted || (assigned.NotBefore > 0 && log.Time.GetTimestamp() < assigned.NotBefore))
                continue;
            EmbeddedLog.ReadOutcome read = log.Read(assigned.Partition, assigned.Slot, assigned.Position, maxRecords - delivered, receiver);
            if (read.Fault is { } fault)
            {
                assigned.Faulted = fault != LogFault.Unreachable;
                assigned.NotBefore = log.Time.GetTimestamp() + (long)(Pause.TotalSeconds * log.Time.TimestampFrequency);
                news = true;
                receiver.OnFault(assigned.Slot, fault, assigned.Position, read.Detail);
                continue;
            }

            assigned.NotBefore = 0;

            delivered += read.Records;
            assigned.Position = read.Position;
            if (read.AtEnd && assigned.EndReported != read.Position)
            {
                assigned.EndReported = read.Position;
                news = true;
                receiver.OnEnd(assigned.Slot, read.Position, read.End);
            }
        }

        _next = _assigned.Count == 0 ? 0 : (_next + 1) % _assigned.Count;
        return delivered;
    }
}
