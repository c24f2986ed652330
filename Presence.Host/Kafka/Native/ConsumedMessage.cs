using System.Runtime.InteropServices;

namespace Presence.Host.Kafka.Native;

/// <summary>librdkafka's <c>rd_kafka_message_t</c>, as rdkafka.h has it: part of its public, stable interface.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ConsumedMessage
{
    /// <summary>0 for a record; else an <see cref="Confluent.Kafka.ErrorCode"/>, the end of a partition among them.</summary>
    public int Error;

    /// <summary>The topic's handle; null where an error concerns none.</summary>
    public nint Topic;

    /// <summary>The partition.</summary>
    public int Partition;

    /// <summary>The value; null for a tombstone, not null for an empty value.</summary>
    public byte* Value;

    /// <summary>Its length in bytes.</summary>
    public nuint ValueLength;

    /// <summary>The key; null when there is none, not null for an empty key.</summary>
    public byte* Key;

    /// <summary>Its length in bytes.</summary>
    public nuint KeyLength;

    /// <summary>The offset; that of an error where it has one.</summary>
    public long Offset;

    /// <summary>librdkafka's own.</summary>
    public nint Private;
}
