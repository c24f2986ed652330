using System.Buffers.Binary;

namespace Presence.Core.Stages;

/// <summary>Writes the compact binary form of a state into a buffer that grows: numbers little endian, texts with a 2-byte length.</summary>
internal sealed class StateWriter
{
    private byte[] _buffer = new byte[512];
    private int _length;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public void Reset(byte version)
    {
        _length = 0;
        Byte(version);
    }

    public void Byte(byte value) => Reserve(1)[0] = value;

    public void Int16(int value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), checked((ushort)value));

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), value);

    public void Text(ReadOnlySpan<byte> text)
    {
        Int16(text.Length);
        text.CopyTo(Reserve(text.Length));
    }

    private Span<byte> Reserve(int bytes)
    {
        if (_buffer.Length < _length + bytes)
            Array.Resize(ref _buffer, Math.Max(_length + bytes, _buffer.Length * 2));
        _length += bytes;
        return _buffer.AsSpan(_length - bytes, bytes);
    }
}
