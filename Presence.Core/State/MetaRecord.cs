using System.Buffers.Binary;

namespace Presence.Core.State;

/// <summary>
/// What a task must know beside its state to go on where it was; one per transaction and task, in the changelog:
/// <code>
/// version(1)=1 | inputs(1) | per input: nextOffset(8) streamTime(8) clock(8)   little endian
/// </code>
/// nextOffset: next offset to read, -1 unknown. streamTime: largest event time read. clock: streamTime, plus what the
/// input stood idle since (ms; long.MinValue before the first record).
/// </summary>
public sealed class MetaRecord
{
    private const byte Version = 1;
    private const int Header = 2;
    private const int PerInput = 24;

    /// <summary>For a task with this many inputs; nothing known yet.</summary>
    public MetaRecord(int inputs)
    {
        NextOffsets = new long[inputs];
        StreamTimes = new long[inputs];
        Clocks = new long[inputs];
        Reset();
    }

    public long[] NextOffsets { get; }

    public long[] StreamTimes { get; }

    public long[] Clocks { get; }

    /// <summary>Encoded length in bytes.</summary>
    public int Length => Header + (NextOffsets.Length * PerInput);

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        Array.Fill(NextOffsets, -1);
        Array.Fill(StreamTimes, long.MinValue);
        Array.Fill(Clocks, long.MinValue);
    }

    /// <summary>The task's clock: that of the slowest of the inputs that move it.</summary>
    public long ClockOf(ReadOnlySpan<int> clockInputs)
    {
        long slowest = long.MaxValue;
        foreach (int input in clockInputs)
            slowest = Math.Min(slowest, Clocks[input]);
        return slowest;
    }

    /// <summary>Copies another record of the same shape.</summary>
    public void CopyFrom(MetaRecord other)
    {
        other.NextOffsets.CopyTo(NextOffsets, 0);
        other.StreamTimes.CopyTo(StreamTimes, 0);
        other.Clocks.CopyTo(Clocks, 0);
    }

    /// <summary>Writes <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        destination[0] = Version;
        destination[1] = checked((byte)NextOffsets.Length);
        Span<byte> at = destination[Header..];
        for (int i = 0; i < NextOffsets.Length; i++, at = at[PerInput..])
        {
            BinaryPrimitives.WriteInt64LittleEndian(at, NextOffsets[i]);
            BinaryPrimitives.WriteInt64LittleEndian(at[8..], StreamTimes[i]);
            BinaryPrimitives.WriteInt64LittleEndian(at[16..], Clocks[i]);
        }
    }

    /// <summary>Reads a record. Throws <see cref="StoreException"/> (corruption) when the bytes are none of this shape.</summary>
    public void Read(ReadOnlySpan<byte> source)
    {
        if (source.Length != Length || source[0] != Version || source[1] != NextOffsets.Length)
        {
            throw new StoreException(
                $"The meta record has {source.Length} bytes, version {(source.Length > 0 ? source[0] : -1)}; expected {Length} bytes, version {Version}, for {NextOffsets.Length} inputs.",
                isCorruption: true);
        }

        ReadOnlySpan<byte> at = source[Header..];
        for (int i = 0; i < NextOffsets.Length; i++, at = at[PerInput..])
        {
            NextOffsets[i] = BinaryPrimitives.ReadInt64LittleEndian(at);
            StreamTimes[i] = BinaryPrimitives.ReadInt64LittleEndian(at[8..]);
            Clocks[i] = BinaryPrimitives.ReadInt64LittleEndian(at[16..]);
        }
    }
}
