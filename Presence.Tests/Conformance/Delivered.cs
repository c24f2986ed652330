using System.Text;
using Presence.Core.Log;

namespace Presence.Tests.Conformance;

/// <summary>Keeps what a consumer delivers.</summary>
internal sealed class Delivered : ILogReceiver
{
    public List<(int Slot, long Offset, string? Key, string? Value, long Timestamp)> Records { get; } = [];

    public Dictionary<int, long> Ends { get; } = [];

    public List<(int Slot, LogFault Fault, long Offset)> Faults { get; } = [];

    public IEnumerable<string?> Values => Records.Select(r => r.Value);

    public void OnRecord(int slot, in LogRecord record) =>
        Records.Add((slot, record.Offset, record.HasKey ? Encoding.UTF8.GetString(record.Key) : null, record.HasValue ? Encoding.UTF8.GetString(record.Value) : null, record.Timestamp));

    public void OnEnd(int slot, long position, long highWatermark) => Ends[slot] = position;

    public void OnFault(int slot, LogFault fault, long offset, string detail)
    {
        if (fault != LogFault.Unreachable)
            Faults.Add((slot, fault, offset));
    }
}
