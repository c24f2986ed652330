using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>
/// Records of one input partition that were fetched and not yet processed: a ring of headers over one arena of bytes.
/// Allocates only while it grows.
/// </summary>
public sealed class InputQueue
{
    private struct Header
    {
        public long Offset;
        public long Timestamp;

        /// <summary>Position in the stream of bytes that went through the arena.</summary>
        public long Start;

        /// <summary>-1: no key.</summary>
        public int KeyLength;

        /// <summary>-1: null value.</summary>
        public int ValueLength;
    }

    private Header[] _headers = new Header[256];
    private int _head;
    private byte[] _arena = new byte[64 * 1024];

    // Bytes [_base, _end) of the stream lie in the arena, _base at index 0.
    private long _base;
    private long _end;

    /// <summary>Records waiting.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes the waiting records take.</summary>
    public int Bytes => Count == 0 ? 0 : (int)(_end - _headers[_head].Start);

    /// <summary>Copies a record in.</summary>
    public void Enqueue(in LogRecord record)
    {
        int size = record.Key.Length + record.Value.Length;
        EnsureSpace(size);
        if (Count == _headers.Length)
            GrowHeaders();
        record.Key.CopyTo(_arena.AsSpan((int)(_end - _base)));
        record.Value.CopyTo(_arena.AsSpan((int)(_end - _base) + record.Key.Length));
        _headers[(_head + Count) & (_headers.Length - 1)] = new Header
        {
            Offset = record.Offset,
            Timestamp = record.Timestamp,
            Start = _end,
            KeyLength = record.HasKey ? record.Key.Length : -1,
            ValueLength = record.HasValue ? record.Value.Length : -1,
        };
        _end += size;
        Count++;
    }

    /// <summary>The oldest record; its spans are valid until the next change of the queue. Count must not be 0.</summary>
    public LogRecord Peek()
    {
        ref Header header = ref _headers[_head];
        int start = (int)(header.Start - _base);
        int keyLength = Math.Max(0, header.KeyLength);
        return new LogRecord
        {
            Offset = header.Offset,
            Timestamp = header.Timestamp,
            Key = _arena.AsSpan(start, keyLength),
            HasKey = header.KeyLength >= 0,
            Value = _arena.AsSpan(start + keyLength, Math.Max(0, header.ValueLength)),
            HasValue = header.ValueLength >= 0,
        };
    }

    /// <summary>Removes the oldest record.</summary>
    public void Dequeue()
    {
        _head = (_head + 1) & (_headers.Length - 1);
        Count--;
        if (Count == 0)
            _base = _end;
    }

    /// <summary>Drops everything.</summary>
    public void Clear()
    {
        _head = 0;
        Count = 0;
        _base = _end;
    }

    private void EnsureSpace(int size)
    {
        int used = (int)(_end - _base);
        if (used + size <= _arena.Length)
            return;

        long live = Count == 0 ? _end : _headers[_head].Start;
        int dead = (int)(live - _base);
        int liveBytes = used - dead;
        byte[] target = _arena;
        if (liveBytes + size > _arena.Length / 2)
            target = new byte[Math.Max(liveBytes + size, _arena.Length) * 2];
        _arena.AsSpan(dead, liveBytes).CopyTo(target);
        _arena = target;
        _base = live;
    }

    private void GrowHeaders()
    {
        Header[] grown = new Header[_headers.Length * 2];
        for (int i = 0; i < Count; i++)
            grown[i] = _headers[(_head + i) & (_headers.Length - 1)];
        _headers = grown;
        _head = 0;
    }
}
