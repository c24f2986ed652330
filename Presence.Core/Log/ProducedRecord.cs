namespace Presence.Core.Log;

/// <summary>A record to be written outside transactions: keyed; a null value deletes. Timestamp in ms.</summary>
public readonly record struct ProducedRecord(string Topic, byte[] Key, byte[]? Value, long Timestamp);
