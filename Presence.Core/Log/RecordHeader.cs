namespace Presence.Core.Log;

/// <summary>A header of a produced record: UTF-8 text name, bytes.</summary>
public readonly record struct RecordHeader(string Name, byte[] Value);
