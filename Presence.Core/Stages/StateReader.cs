using System.Buffers.Binary;

namespace Presence.Core.Stages;

/// <summary>Reads what <see cref="StateWriter"/> wrote. Throws InvalidOperationException for another version.</summary>
internal ref struct StateReader
{
    private ReadOnlySpan<byte> _rest;

    public StateReader(ReadOnlySpan<byte> value, byte version)
    {
        if (value.IsEmpty || value[0] != version)
            throw new InvalidOperationException($"A stored state has version {(value.IsEmpty ? -1 : value[0])}; this Presence knows version {version}.");
        _rest = value[1..];
    }

    public byte Byte() => Take(1)[0];

    public int Int16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public byte[] Text() => Take(Int16()).ToArray();

    private ReadOnlySpan<byte> Take(int bytes)
    {
        ReadOnlySpan<byte> taken = _rest[..bytes];
        _rest = _rest[bytes..];
        return taken;
    }
}
