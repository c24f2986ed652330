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

    // Beside its bytes; a header's, beside its own.
    private const int ItemBytes = 64;
    private const int HeaderBytes = 80;

    // What a long wait for the log has made larger than this is not kept.
    private const int KeptBytesMax = 1024 * 1024;

    private Item[] _items = new Item[16];
    private byte[] _arena = new byte[4096];
    private int _used;
    private int _headerBytes;
    private int _count;
    private int _next;

    /// <summary>True when nothing waits.</summary>
    public bool IsEmpty => _next == _count;

    /// <summary>Records waiting.</summary>
    public int Count => _count - _next;

    /// <summary>Bytes in memory for what waits, and for what went since all was gone last.</summary>
    public int Bytes => _used + (_count * ItemBytes) + _headerBytes;

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
        foreach (RecordHeader header in headers ?? [])
            _headerBytes += HeaderBytes + header.Name.Length + header.Value.Length;
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
        _count = _next = _used = _headerBytes = 0;
        if (_arena.Length > KeptBytesMax)
            _arena = new byte[KeptBytesMax];
        if (_items.Length > KeptBytesMax / ItemBytes)
            _items = new Item[KeptBytesMax / ItemBytes];
    }
}
