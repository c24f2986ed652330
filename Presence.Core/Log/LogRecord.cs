namespace Presence.Core.Log;

/// <summary>
/// One record as the log holds it. The spans point into buffers of the log client and are valid only during the
/// call that hands the record over: whoever keeps a record copies it.
/// </summary>
public readonly ref struct LogRecord
{
    /// <summary>Position of the record in its partition.</summary>
    public required long Offset { get; init; }

    /// <summary>The record's Kafka timestamp, ms since 1970-01-01 UTC.</summary>
    public required long Timestamp { get; init; }

    /// <summary>The key; empty when there is none (see <see cref="HasKey"/>).</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>The value; empty for a null value (see <see cref="HasValue"/>).</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>False for a record without a key; an empty key is a key.</summary>
    public bool HasKey { get; init; }

    /// <summary>False for a null value (a tombstone); an empty value is a value.</summary>
    public bool HasValue { get; init; }
}
