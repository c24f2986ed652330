using System.Buffers.Binary;

namespace Presence.Core.Log;

/// <summary>Kafka's default partitioning of keyed records: murmur2 of the key bytes, sign bit cleared, modulo the count.</summary>
public static class Partitioner
{
    /// <summary>The partition of a key, 0 to <paramref name="partitions"/> - 1.</summary>
    public static int Of(ReadOnlySpan<byte> key, int partitions) => (Murmur2(key) & 0x7fffffff) % partitions;

    /// <summary>MurmurHash2, seed 0x9747b28c, as in org.apache.kafka.common.utils.Utils.</summary>
    internal static int Murmur2(ReadOnlySpan<byte> data)
    {
        const uint m = 0x5bd1e995;
        uint h = 0x9747b28c ^ (uint)data.Length;
        while (data.Length >= 4)
        {
            uint k = BinaryPrimitives.ReadUInt32LittleEndian(data) * m;
            k = (k ^ (k >> 24)) * m;
            h = (h * m) ^ k;
            data = data[4..];
        }

        if (data.Length > 2)
            h ^= (uint)data[2] << 16;
        if (data.Length > 1)
            h ^= (uint)data[1] << 8;
        if (data.Length > 0)
            h = (h ^ data[0]) * m;

        h = (h ^ (h >> 13)) * m;
        return (int)(h ^ (h >> 15));
    }
}
