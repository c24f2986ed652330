using System.Globalization;
using System.Text;

namespace Presence.Benchmarks;

/// <summary>
/// The load: the same mix of records as the peer's loader makes. Event time advances over about 12 h per million probes;
/// one device in 25 is a visitor that stays for 6 to 90 min with a burst about every 30 s, two in three of them out of
/// 20,000 regulars; the others pass by with one or two bursts. One visitor in three logs in at the portal.
/// The same seed gives the same records. Another number of hours per million probes makes the venues emptier or fuller;
/// before they have filled, event time goes up to five times as fast.
/// </summary>
internal sealed class RecordMix(int seed, int venues, long start, double hoursPerMillion = RecordMix.DefaultHoursPerMillion, Func<long, string>? name = null) : ILoad
{
    /// <summary>When the load begins by default, ms.</summary>
    public const long DefaultStart = 1_711_000_000_000;

    /// <summary>How far event time advances.</summary>
    public const double DefaultHoursPerMillion = 12;

    /// <summary>Venues of all scenarios.</summary>
    public const int DefaultVenues = 200;

    private readonly double _arrivalMs = hoursPerMillion * 3_600_000 / 1_000_000 * 8;
    private readonly Func<long, string> _name = name ?? Name;
    private readonly Random _random = new(seed);
    private readonly PriorityQueue<Device, (long At, long Sequence)> _queue = new();
    private readonly StringBuilder _text = new(192);
    private double _next = start;
    private long _sequence;
    private long _devices;
    private long _now = start;

    private readonly record struct Device(long Id, int Venue, int Bursts, bool IsVisitor, int Rssi);

    /// <inheritdoc/>
    public long Now => Volatile.Read(ref _now);

    /// <summary>Makes the next probe and the logins that go with it.</summary>
    public void Next(ILoad.Receiver take)
    {
        while (_queue.Count == 0 || Earliest() >= _next)
            Arrive();
        _queue.TryDequeue(out Device device, out (long At, long Sequence) due);
        long at = due.At;
        Volatile.Write(ref _now, at);
        string name = _name(device.Id);
        string venue = $"venue-{device.Venue}", business = $"business-{device.Venue / 4}";
        _text.Clear();
        _text.Append(CultureInfo.InvariantCulture, $"{{\"device\":\"{name}\",\"business\":\"{business}\",\"venue\":\"{venue}\",\"ap\":\"ap-{_random.Next(3)}\",\"rssi\":{device.Rssi - _random.Next(8)},\"at\":{at}}}");
        take("probes", Encoding.ASCII.GetBytes(name), Encoding.ASCII.GetBytes(_text.ToString()), at);
        if (device.IsVisitor && device.Id % 3 == 0 && device.Bursts % 50 == 11)
            LogIn(device, name, business, venue, at, take);
        if (device.Bursts > 1)
            _queue.Enqueue(device with { Bursts = device.Bursts - 1 }, (at + 2_000 + _random.Next(56_000), _sequence++));
    }

    private long Earliest() => _queue.TryPeek(out _, out (long At, long Sequence) due) ? due.At : long.MaxValue;

    private void Arrive()
    {
        long id = _devices++;
        bool isVisitor = _random.Next(25) == 0;
        if (isVisitor && _random.Next(3) > 0)
            id = _random.Next(20_000);
        int venue = (int)(Math.Pow(_random.NextDouble(), 2) * venues);
        int bursts = isVisitor ? 12 + _random.Next(170) : 1 + _random.Next(2);
        _queue.Enqueue(new Device(id, venue, bursts, isVisitor, isVisitor ? -45 - _random.Next(15) : -60 - _random.Next(35)), ((long)_next, _sequence++));
        _next += -Math.Log(1 - _random.NextDouble()) * _arrivalMs;
    }

    private static void LogIn(Device device, string name, string business, string venue, long at, ILoad.Receiver take)
    {
        string contact = string.Create(CultureInfo.InvariantCulture, $"contact-{device.Id}");
        byte[] key = Encoding.ASCII.GetBytes(contact);
        if (device.Bursts < 60)
            take("crm-contacts", key, Encoding.ASCII.GetBytes($"{{\"contact\":\"{contact}\",\"email\":\"{contact}@example.org\",\"name\":\"Contact {device.Id}\",\"at\":{at}}}"), at);
        take("crm-logins", key, Encoding.ASCII.GetBytes($"{{\"contact\":\"{contact}\",\"device\":\"{name}\",\"business\":\"{business}\",\"venue\":\"{venue}\",\"at\":{at}}}"), at);
    }

    /// <summary>A device's name: 32 hex digits, well spread.</summary>
    public static string Name(long id)
    {
        ulong h = unchecked((ulong)id * 0x9E3779B97F4A7C15UL);
        h ^= h >> 32;
        h = unchecked(h * 0xD6E8FEB86659FD93UL);
        h ^= h >> 32;
        return string.Create(CultureInfo.InvariantCulture, $"{h:x16}{id:x16}");
    }
}
