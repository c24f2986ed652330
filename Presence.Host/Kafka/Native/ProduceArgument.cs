using System.Runtime.InteropServices;

namespace Presence.Host.Kafka.Native;

/// <summary>librdkafka's <c>rd_kafka_vu_t</c>, as rdkafka.h has it: one argument of <c>rd_kafka_produceva</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal struct ProduceArgument
{
    /// <summary>What it is.</summary>
    [FieldOffset(0)]
    public ProduceArgumentKind Kind;

    /// <summary>A pointer, or a number of up to 64 bits.</summary>
    [FieldOffset(8)]
    public long Value;

    /// <summary>How many bytes the pointer points to.</summary>
    [FieldOffset(16)]
    public nuint Length;
}
