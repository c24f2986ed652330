using System.Globalization;
using System.Text;

namespace Presence.Benchmarks;

/// <summary>
/// As many devices with live state as asked for: each is seen once, all within <see cref="FirstSpan"/> of event time, and
/// after that one after the other again, in no order a cache could like. The signal is strong enough to belong to a run
/// and too weak to begin a visit, so that each probe reads and writes one state of the walk-in stage and nothing follows
/// from it. Event time hardly moves on, so that no state is given up before the scenario is over.
/// </summary>
internal sealed class DeviceLoad(long devices) : ILoad
{
    /// <summary>Event time within which all devices are seen first: much less than a state outlives its last probe.</summary>
    public static readonly TimeSpan FirstSpan = TimeSpan.FromMinutes(5);

    // Event time of a probe of a device that has been seen before, ms: 12 million of them make ten minutes.
    private const double AgainMs = 0.05;

    // Odd and far from any power of two: neighbours in the order of probes are no neighbours on disk.
    private const ulong Stride = 0x9E3779B97F4A7C15UL;

    private readonly StringBuilder _text = new(192);
    private long _devices = devices;
    private long _all = devices;
    private double _at = RecordMix.DefaultStart;
    private long _seen;
    private ulong _again;
    private long _now = RecordMix.DefaultStart;

    /// <inheritdoc/>
    public long Now => Volatile.Read(ref _now);

    /// <summary>More devices: the next probes are of those that are new, until all have been seen. <paramref name="all"/> is how many there will ever be.</summary>
    public void Grow(long devices, long all)
    {
        _devices = devices;
        _all = all;
    }

    /// <inheritdoc/>
    public void Next(ILoad.Receiver take)
    {
        bool isNew = _seen < _devices;
        long id = isNew ? _seen++ : (long)(unchecked(_again++ * Stride) % (ulong)_devices);
        _at += isNew ? FirstSpan.TotalMilliseconds / _all : AgainMs;
        long at = (long)_at;
        Volatile.Write(ref _now, at);
        long venue = id % RecordMix.DefaultVenues;
        string name = RecordMix.Name(id);
        _text.Clear();
        _text.Append(CultureInfo.InvariantCulture, $"{{\"device\":\"{name}\",\"business\":\"business-{venue / 4}\",\"venue\":\"venue-{venue}\",\"ap\":\"ap-{id % 3}\",\"rssi\":-70,\"at\":{at}}}");
        take("probes", Encoding.ASCII.GetBytes(name), Encoding.ASCII.GetBytes(_text.ToString()), at);
    }
}
