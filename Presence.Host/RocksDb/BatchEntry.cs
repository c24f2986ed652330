using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Presence.Host.RocksDb;

/// <summary>An entry of a batch, in whose memory it lies; valid for as long as that is.</summary>
/// <param name="key">Address of its key, which its value follows.</param>
/// <param name="keyLength">Bytes.</param>
/// <param name="valueLength">Bytes; negative for a delete.</param>
/// <param name="index">Its place in the batch.</param>
internal readonly unsafe struct BatchEntry(nint key, int keyLength, int valueLength, int index)
{
    private const int PartBytes = sizeof(ulong);

    // Fewer are compared whole at once.
    private const int FewMax = 16;

    public byte* KeyAt { get; } = (byte*)key;

    public int KeyLength { get; } = keyLength;

    public int ValueLength { get; } = valueLength;

    public int Index { get; } = index;

    public bool IsDelete => ValueLength < 0;

    public byte* ValueAt => KeyAt + KeyLength;

    public ReadOnlySpan<byte> Key => new(KeyAt, KeyLength);

    /// <summary>Empty for a delete.</summary>
    public ReadOnlySpan<byte> Value => new(ValueAt, Math.Max(0, ValueLength));

    /// <summary>
    /// By key, in byte order, and those of one key in the order of the batch, where they lie one after the other. Keys share
    /// long beginnings and lie all over the batch: eight bytes of each are fetched once and sorted as numbers, and only
    /// those that are equal in these are looked at again.
    /// </summary>
    public static void Sort(Span<BatchEntry> entries)
    {
        ulong* parts = (ulong*)NativeMemory.Alloc((nuint)entries.Length, PartBytes);
        try
        {
            Sort(entries, new Span<ulong>(parts, entries.Length), 0);
        }
        finally
        {
            NativeMemory.Free(parts);
        }
    }

    // Of entries whose keys are equal in their first bytes.
    private static void Sort(Span<BatchEntry> entries, Span<ulong> parts, int equal)
    {
        while (entries.Length > FewMax)
        {
            bool areEqual = true, hasEnded = false;
            for (int i = 0; i < entries.Length; i++)
            {
                parts[i] = entries[i].Part(equal);
                areEqual &= parts[i] == parts[0];
                hasEnded |= entries[i].KeyLength < equal + PartBytes;
            }

            if (!areEqual)
            {
                parts.Sort(entries);
                SortEqual(entries, parts, equal);
                return;
            }

            // What stands in for bytes that are not there is equal to real ones.
            if (hasEnded)
                break;
            equal += PartBytes;
        }

        entries.Sort(static (x, y) => x.CompareTo(y));
    }

    private static void SortEqual(Span<BatchEntry> entries, Span<ulong> parts, int equal)
    {
        for (int from = 0; from < entries.Length;)
        {
            int to = from + 1;
            while (to < entries.Length && parts[to] == parts[from])
                to++;
            // Looks at the same part again, finds it equal, and goes on behind it.
            if (to - from > 1)
                Sort(entries[from..to], parts[from..to], equal);
            from = to;
        }
    }

    // Zeros where the key ends before.
    private ulong Part(int from)
    {
        ReadOnlySpan<byte> left = Key[from..];
        if (left.Length >= PartBytes)
            return BinaryPrimitives.ReadUInt64BigEndian(left);
        ulong part = 0;
        foreach (byte b in left)
            part = (part << 8) | b;
        return part << (8 * (PartBytes - left.Length));
    }

    private int CompareTo(in BatchEntry other)
    {
        int order = Key.SequenceCompareTo(other.Key);
        return order != 0 ? order : Index.CompareTo(other.Index);
    }
}
