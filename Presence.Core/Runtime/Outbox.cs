using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>
/// Outputs on their way to the producer: those of one record or timer, which it may refuse for a while when its queue is
/// full, and nothing is fed until they are gone; or those of what is fed while the transaction before is on its way.
/// </summary>
public sealed class Outbox
{
    private struct Item
    {
        public TopicPartition Partition;
        public long Timestamp;
        public int Start;
        public int KeyLength;
        public int ValueLength;
        public bool HasKey;
        public RecordHeader[]? Headers;
    }

    private Item[] _items = new Item[16];
    private byte[] _arena = new byte[4096];
    private int _used;
    private int _count;
    private int _next;

    /// <summary>True when nothing waits.</summary>
    public bool IsEmpty => _next == _count;

    /// <summary>Records waiting.</summary>
    public int Count => _count - _next;

    /// <summary>Bytes of what waits, and of what went since all was gone last.</summary>
    public int Bytes => _used;

    /// <summary>Adds a record; <paramref name="hasValue"/> false for a tombstone.</summary>
    public void Add(TopicPartition partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp, RecordHeader[]? headers = null)
    {
        int size = key.Length + value.Length;
        if (_arena.Length < _used + size)
            Array.Resize(ref _arena, (_used + size) * 2);
        if (_count == _items.Length)
            Array.Resize(ref _items, _items.Length * 2);
        key.CopyTo(_arena.AsSpan(_used));
        value.CopyTo(_arena.AsSpan(_used + key.Length));
        _items[_count++] = new Item
        {
            Partition = partition,
            Timestamp = timestamp,
            Start = _used,
            KeyLength = key.Length,
            HasKey = hasKey,
            ValueLength = hasValue ? value.Length : -1,
            Headers = headers,
        };
        _used += size;
    }

    /// <summary>Hands over what the producer takes. Ok when all is gone; otherwise what the producer said.</summary>
    public LogResult Drain(ITransactionalProducer producer)
    {
        while (_next < _count)
        {
            ref Item item = ref _items[_next];
            LogResult result = producer.Produce(
                item.Partition,
                _arena.AsSpan(item.Start, item.KeyLength),
                item.HasKey,
                _arena.AsSpan(item.Start + item.KeyLength, Math.Max(0, item.ValueLength)),
                item.ValueLength >= 0,
                item.Timestamp,
                item.Headers);
            if (!result.IsOk)
                return result;
            _next++;
        }

        Clear();
        return LogResult.Ok;
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        if (_count > 0)
            Array.Clear(_items, 0, _count);
        _count = _next = _used = 0;
    }
}
