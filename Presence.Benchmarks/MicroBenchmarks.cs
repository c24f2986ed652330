using System.Text;
using BenchmarkDotNet.Attributes;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Benchmarks;

/// <summary>Steps of the per-record path on their own; none may allocate.</summary>
[MemoryDiagnoser]
public class MicroBenchmarks
{
    private readonly byte[] _key = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");
    private readonly byte[] _value = Encoding.ASCII.GetBytes("{\"device\":\"0123456789abcdef0123456789abcdef\",\"business\":\"business-7\",\"venue\":\"venue-29\",\"ap\":\"ap-1\",\"rssi\":-61,\"at\":1711000000000}");
    private readonly ProbeEvent _probe = new();

    [Benchmark]
    public bool DecodeProbe() => _probe.Decode(new LogRecord { Offset = 0, Timestamp = 0, Key = _key, HasKey = true, Value = _value, HasValue = true }).IsGood;

    [Benchmark]
    public int PartitionOfKey() => Partitioner.Of(_key, 4);
}
