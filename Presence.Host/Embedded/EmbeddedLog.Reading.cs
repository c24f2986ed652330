using Presence.Core.Log;
using Presence.Host.RocksDb;
using RocksDbSharp;

namespace Presence.Host.Embedded;

/// <summary>Reading for consumers.</summary>
public sealed partial class EmbeddedLog
{
    /// <summary>How far a read got; with a fault, in words, what is wrong.</summary>
    internal readonly record struct ReadOutcome(LogFault? Fault, int Records, long Position, bool AtEnd, long End)
    {
        public string Detail { get; init; } = $"the log ends at {End}";
    }

    /// <summary>Delivers up to <paramref name="max"/> records from <paramref name="position"/> up to the last stable offset.</summary>
    internal ReadOutcome Read(TopicPartition target, int slot, long position, int max, ILogReceiver receiver)
    {
        long stable, end;
        int topic;
        lock (_gate)
        {
            EmbeddedPartition? partition = Find(target);
            if (_disposed || partition is null)
                return new ReadOutcome(LogFault.UnknownPartition, 0, position, false, 0);
            if (position < partition.Start)
                return new ReadOutcome(LogFault.OffsetBelowStart, 0, position, false, partition.End);
            if (position > partition.End)
                return new ReadOutcome(LogFault.OffsetBeyondEnd, 0, position, false, partition.End);
            stable = partition.LastStable;
            end = partition.End;
            topic = partition.Topic;
        }

        int delivered = 0;
        if (position < stable)
        {
            if (!TryBeginReading())
                return new ReadOutcome(LogFault.UnknownPartition, 0, position, false, end);
            try
            {
                Deliver(topic, target.Partition, slot, ref position, stable, max, receiver, ref delivered);
            }
            catch (RocksDbException e)
            {
                // What lies before it has come; where it is, the next read says.
                if (delivered == 0)
                    return new ReadOutcome(LogFault.Unreachable, 0, position, false, end) { Detail = $"{_path} cannot be read: {e.Message}" };
            }
            finally
            {
                EndReading();
            }
        }

        return new ReadOutcome(null, delivered, position, position >= stable, end);
    }

    private void Deliver(int topic, int partition, int slot, ref long position, long stable, int max, ILogReceiver receiver, ref int delivered)
    {
        Span<byte> key = stackalloc byte[EmbeddedKeys.RecordKeyLength];
        EmbeddedKeys.WriteRecordKey(key, topic, partition, position);
        using Iterator iterator = _db.NewIterator();
        for (iterator.Seek(key); delivered < max && iterator.Valid(); iterator.Next())
        {
            ReadOnlySpan<byte> found = iterator.GetKeySpan();
            if (found.Length != key.Length || !found[..9].SequenceEqual(key[..9]))
                break;
            long offset = EmbeddedKeys.OffsetOf(found);
            if (offset >= stable)
                break;
            receiver.OnRecord(slot, EmbeddedKeys.DecodeRecord(offset, iterator.GetValueSpan()));
            position = offset + 1;
            delivered++;
        }

        if (delivered == max)
            return;
        RocksDbErrors.ThrowIfFailed(iterator);
        position = stable;
    }

    /// <summary>Waits until something is committed, or until it is woken.</summary>
    internal void WaitForNews(TimeSpan wait, Func<bool> isWoken)
    {
        lock (_gate)
        {
            if (!_disposed && !isWoken())
                Monitor.Wait(_gate, wait);
        }
    }

    internal void Pulse()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }
}
