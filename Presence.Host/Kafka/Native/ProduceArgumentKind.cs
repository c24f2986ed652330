namespace Presence.Host.Kafka.Native;

/// <summary>librdkafka's <c>rd_kafka_vtype_t</c>, as far as it is used.</summary>
internal enum ProduceArgumentKind
{
    /// <summary>A topic's handle.</summary>
    Topic = 2,

    /// <summary>A partition.</summary>
    Partition = 3,

    /// <summary>Value bytes; a null pointer is a tombstone.</summary>
    Value = 4,

    /// <summary>Key bytes; a null pointer is no key.</summary>
    Key = 5,

    /// <summary>Flags.</summary>
    Flags = 7,

    /// <summary>Ms since 1970-01-01 UTC; 0 for now.</summary>
    Timestamp = 8,
}
