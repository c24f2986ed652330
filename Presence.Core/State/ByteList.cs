using System.Buffers.Binary;

namespace Presence.Core.State;

/// <summary>
/// Byte strings in the order in which they came, in chunks that it shares with the task's maps: each with its length before
/// it. Not thread-safe.
/// </summary>
public sealed class ByteList(ByteChunks memory)
{
    private const int LengthLength = sizeof(ushort);

    // Position: the chunk's index and, in the lower half, the place in it. A chunk ends with its size or with a length of 0.
    private byte[][] _chunks = new byte[4][];
    private int _chunkCount;
    private int _used = ByteChunks.Size;

    /// <summary>Bytes held.</summary>
    public int Bytes { get; private set; }

    /// <summary>Adds one of 1 byte to 65,534 bytes.</summary>
    public void Add(ReadOnlySpan<byte> item)
    {
        int length = LengthLength + item.Length;
        ArgumentOutOfRangeException.ThrowIfZero(item.Length, nameof(item));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ByteChunks.Size, nameof(item));
        if (length > ByteChunks.Size - _used)
        {
            if (ByteChunks.Size - _used >= LengthLength)
                BinaryPrimitives.WriteUInt16LittleEndian(_chunks[_chunkCount - 1].AsSpan(_used), 0);
            if (_chunkCount == _chunks.Length)
                Array.Resize(ref _chunks, _chunkCount * 2);
            _chunks[_chunkCount++] = memory.Take();
            _used = 0;
        }

        Span<byte> target = _chunks[_chunkCount - 1].AsSpan(_used);
        BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)item.Length);
        item.CopyTo(target[LengthLength..]);
        _used += length;
        Bytes += length;
    }

    /// <summary>The next one from <paramref name="position"/>, which begins with 0. The span is valid until <see cref="Clear"/>.</summary>
    public bool TryNext(ref int position, out ReadOnlySpan<byte> item)
    {
        int chunk = position >> 16, at = position & (ByteChunks.Size - 1);
        if (chunk < _chunkCount - 1 && (at + LengthLength > ByteChunks.Size || BinaryPrimitives.ReadUInt16LittleEndian(_chunks[chunk].AsSpan(at)) == 0))
            (chunk, at) = (chunk + 1, 0);
        if (chunk >= _chunkCount || (chunk == _chunkCount - 1 && at >= _used))
        {
            item = default;
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(_chunks[chunk].AsSpan(at));
        item = _chunks[chunk].AsSpan(at + LengthLength, length);
        position = (chunk * ByteChunks.Size) + at + LengthLength + length;
        return true;
    }

    /// <summary>Forgets all, and gives the memory to whichever of the task's maps needs it next.</summary>
    public void Clear()
    {
        for (int i = 0; i < _chunkCount; i++)
        {
            memory.Return(_chunks[i]);
            _chunks[i] = null!;
        }

        _chunkCount = Bytes = 0;
        _used = ByteChunks.Size;
    }
}
