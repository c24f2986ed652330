using System.Buffers.Binary;

namespace Presence.Core.Stages;

/// <summary>
/// Reads what <see cref="StateWriter"/> wrote; texts are left where they are, for <see cref="StateTexts"/>. Throws
/// InvalidOperationException for another version.
/// </summary>
internal ref struct StateReader
{
    private readonly ReadOnlySpan<byte> _value;
    private int _position = 1;

    public StateReader(ReadOnlySpan<byte> value, byte version)
    {
        if (value.IsEmpty || value[0] != version)
            throw new InvalidOperationException($"A stored state has version {(value.IsEmpty ? -1 : value[0])}; this Presence knows version {version}.");
        _value = value;
    }

    public byte Byte() => Take(1)[0];

    public int Int16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public TextRange Text()
    {
        int length = Int16();
        TextRange range = new(_position, length);
        Take(length);
        return range;
    }

    private ReadOnlySpan<byte> Take(int bytes)
    {
        ReadOnlySpan<byte> taken = _value.Slice(_position, bytes);
        _position += bytes;
        return taken;
    }
}
