using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>One input partition of a task: what was fetched of it, how far it is, and its clock.</summary>
public sealed class TaskInput
{
    private readonly Lock _endLock = new();
    private long _knownEnd = -1;
    private long _knownEndAt = -1;

    /// <summary>For one partition; <paramref name="nextOffset"/> is where processing goes on.</summary>
    public TaskInput(TopicPartition partition, long nextOffset)
    {
        Partition = partition;
        NextOffset = nextOffset;
        FetchPosition = nextOffset;
    }

    public TopicPartition Partition { get; }

    /// <summary>Records fetched and not yet processed.</summary>
    public InputQueue Queue { get; } = new();

    /// <summary>Next offset to process; what is committed.</summary>
    public long NextOffset { get; set; }

    /// <summary>Next offset expected from the consumer.</summary>
    public long FetchPosition { get; private set; }

    /// <summary>Position past everything readable, as the consumer last reported it; -1 not since the last record.</summary>
    public long EndPosition { get; private set; } = -1;

    /// <summary>Largest event time read.</summary>
    public long StreamTime { get; set; } = long.MinValue;

    /// <summary>The input's clock; see <see cref="State.MetaRecord"/>.</summary>
    public long Clock { get; set; } = long.MinValue;

    /// <summary>Wall clock up to which idle time has been added to the clock, ms.</summary>
    public long ClockedAt { get; set; }

    /// <summary>The decoded head of the queue; valid while <see cref="HeadDecoded"/>.</summary>
    public Decoded Head { get; set; }

    public bool HeadDecoded { get; set; }

    /// <summary>Kafka timestamp of the record last processed, ms; -1 before the first.</summary>
    public long LastTimestamp { get; set; } = -1;

    /// <summary>Records that are known to fail in processing, by offset, and how.</summary>
    public SortedList<long, string> Poisoned { get; } = [];

    /// <summary>First offset of a damaged batch that is being passed over; -1 none.</summary>
    public long CorruptFrom { get; set; } = -1;

    /// <summary>Why it cannot be read at the moment; null when it can.</summary>
    public string? Fault { get; private set; }

    /// <summary>Wall clock, ms, when something came of it last, or reading it began.</summary>
    public long HeardAt { get; set; }

    /// <summary>Whether nothing past the position could be read since a moment, though the log has more.</summary>
    public bool IsHeldSince(long moment)
    {
        (long end, long at) = KnownEnd;
        return HeardAt < moment && at > HeardAt && end > FetchPosition && Queue.Count == 0 && Fault is null;
    }

    /// <summary>A transaction that does not end holds back what the log has; for what is shown.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Everything that could be read has been processed, as far as the consumer knows.</summary>
    public bool IsEmptyAtEnd => Queue.Count == 0 && EndPosition >= FetchPosition && Fault is null;

    /// <summary>The end of the partition, open transactions included, and when it was asked for (ms); -1 not known.</summary>
    public (long Offset, long At) KnownEnd
    {
        get
        {
            lock (_endLock)
                return (_knownEnd, _knownEndAt);
        }
    }

    /// <summary>Takes the answer to a question for the partition's end. May be called by another thread.</summary>
    public void SetKnownEnd(long offset, long askedAt)
    {
        lock (_endLock)
        {
            _knownEnd = offset;
            _knownEndAt = askedAt;
        }
    }

    /// <summary>A record came.</summary>
    public void OnRecord(in LogRecord record)
    {
        // A fetch that was under way when the position was moved may still deliver what lies before it.
        if (record.Offset < FetchPosition)
            return;
        Queue.Enqueue(record);
        FetchPosition = record.Offset + 1;
        EndPosition = -1;
        Fault = null;
    }

    /// <summary>The end was reached.</summary>
    public void OnEnd(long position)
    {
        if (position < FetchPosition)
            return;
        EndPosition = position;
        FetchPosition = position;
        Fault = null;
    }

    /// <summary>It is not read for a while: where its end was says nothing any more.</summary>
    public void OnLeft() => EndPosition = -1;

    /// <summary>It cannot be read for now.</summary>
    public void OnUnreachable(string detail, long now)
    {
        Fault = detail;
        _unreachableSince = now;
    }

    private long _unreachableSince;

    /// <summary>
    /// Passes over a damaged batch: a fetch from inside it returns the same batch, so one steps on until it is left.
    /// </summary>
    public void SkipCorrupt(long baseOffset)
    {
        if (CorruptFrom < 0)
            CorruptFrom = Math.Max(baseOffset, FetchPosition);
        FetchPosition++;
        EndPosition = -1;
    }

    /// <summary>A later answer of the log that there is nothing new ends an unreachable spell that no record ended.</summary>
    public void Recover()
    {
        if (Fault is null)
            return;
        (long end, long at) = KnownEnd;
        if (at > _unreachableSince && (end <= FetchPosition || Queue.Count > 0))
            Fault = null;
    }

    /// <summary>Back to where processing goes on; what was fetched is dropped.</summary>
    public void Rewind(long nextOffset)
    {
        Queue.Clear();
        HeadDecoded = false;
        NextOffset = nextOffset;
        FetchPosition = nextOffset;
        EndPosition = -1;
        CorruptFrom = -1;
    }
}
