using System.Globalization;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Host.Replay;

namespace Presence.Host.Demo;

/// <summary>
/// What the routers and the portals of a few venues would send: visitors who stay, passers-by with a new randomised MAC
/// each, staff by day, equipment day and night, regulars who come back (some within the hour), logins at the portal,
/// people with a phone and a laptop. Event by event in the order of time; the same seed and start give the same records.
/// </summary>
internal sealed class SimulatedVenues
{
    private const long Second = 1000;
    private const long Minute = 60 * Second;
    private const long Hour = 60 * Minute;
    private const long Day = 24 * Hour;
    private const int RegularsPerBusiness = 150;

    private static readonly string[] FirstNames = ["Anna", "Boris", "Chiara", "Dana", "Emil", "Farah", "Goran", "Hana", "Ivan", "Jana", "Karel", "Lea", "Milan", "Nora", "Otto", "Petra", "Rosa", "Sven", "Tara", "Vera"];
    private static readonly string[] LastNames = ["Adler", "Benes", "Conti", "Dvorak", "Ekberg", "Fiala", "Gruber", "Horak", "Ito", "Jensen", "Kovac", "Lang", "Moreau", "Novak", "Olsen", "Popov", "Rossi", "Silva", "Toth", "Weber"];

    // How busy each hour of the day (UTC) is.
    private static readonly double[] Busy = [0.3, 0.25, 0.25, 0.25, 0.3, 0.4, 0.6, 0.8, 0.9, 0.9, 0.9, 1, 1, 1, 0.9, 0.9, 1, 1, 1, 0.9, 0.8, 0.6, 0.5, 0.4];

    private readonly Random _random;
    private readonly TopicNames _topics;
    private readonly PriorityQueue<Action<long>, (long At, long Sequence)> _events = new();
    private readonly Dictionary<string, List<DemoPerson>> _regulars = [];
    private List<ProducedRecord> _records = [];
    private long _sequence;
    private int _people;
    private long _arrived;

    /// <summary>From <paramref name="start"/> (ms) on.</summary>
    public SimulatedVenues(int seed, long start, TopicNames topics)
    {
        _random = new Random(seed);
        _topics = topics;
        foreach (DemoVenue venue in DemoVenue.All)
        {
            if (!_regulars.ContainsKey(venue.Business))
                _regulars[venue.Business] = [.. Enumerable.Range(0, RegularsPerBusiness).Select(_ => NewPerson(loginShare: 0.7))];
            Schedule(start, at => VisitorComes(venue, at));
            Schedule(start, at => PasserByComes(venue, at));
            string printer = Mac(isRandomized: false);
            Schedule(start + (long)(_random.NextDouble() * Minute), at => EquipmentSpeaks(venue, printer, at));
            for (int i = 0; i < venue.Staff; i++)
            {
                string phone = Mac(isRandomized: i % 2 == 1);
                bool isRandomized = i % 2 == 1;
                long shift = (start / Day * Day) + (8 * Hour) + (i * 3 * Hour);
                Schedule(Math.Max(start, shift), at => StaffComes(venue, phone, isRandomized, shift, at));
            }
        }
    }

    /// <summary>Probes made so far.</summary>
    public long Probes { get; private set; }

    /// <summary>Everything that happens up to <paramref name="until"/> (ms); <paramref name="arrived"/>: the records' Kafka timestamp.</summary>
    public List<ProducedRecord> Advance(long until, long arrived)
    {
        _arrived = arrived;
        _records = [];
        while (_events.TryPeek(out _, out (long At, long Sequence) due) && due.At <= until)
            _events.Dequeue()(due.At);
        return _records;
    }

    private void Schedule(long at, Action<long> happens) => _events.Enqueue(happens, (at, _sequence++));

    private void VisitorComes(DemoVenue venue, long at)
    {
        Schedule(at + Next(at, venue.VisitorsPerHour), next => VisitorComes(venue, next));
        List<DemoPerson> regulars = _regulars[venue.Business];
        DemoPerson person = regulars[_random.Next(regulars.Count)];
        if (person.IsOut || _random.NextDouble() < 0.45)
            person = NewPerson(loginShare: 0.35);
        Enter(venue, person, at, mayReturn: true);
    }

    private void Enter(DemoVenue venue, DemoPerson person, long at, bool mayReturn)
    {
        person.IsOut = true;
        long leaves = at + (8 * Minute) + (long)(_random.NextDouble() * _random.NextDouble() * 80 * Minute);
        int strength = -44 - _random.Next(14);
        Probe(venue, person.Phone, person.IsRandomized, strength, leaves, at);
        if (person.Laptop is { } laptop)
            Schedule(at + (3 * Minute), opened => Probe(venue, laptop, isRandomized: false, strength, leaves, opened));
        if (person.LogsIn && (!person.IsKnown || _random.Next(4) == 0))
            Schedule(at + Minute + _random.NextInt64(5 * Minute), login => LogIn(venue, person, login));

        // Some forget something, or only step out for a while: a return, not another walk-in.
        if (mayReturn && _random.Next(10) == 0)
            Schedule(leaves + (20 * Minute) + _random.NextInt64(40 * Minute), back => Enter(venue, person, back, mayReturn: false));
        else
            Schedule(leaves, _ => person.IsOut = false);
    }

    private void Probe(DemoVenue venue, string device, bool isRandomized, int strength, long leaves, long at)
    {
        if (at > leaves)
            return;
        Hear(venue, device, isRandomized, strength, at);
        Schedule(at + (10 * Second) + _random.NextInt64(50 * Second), next => Probe(venue, device, isRandomized, strength, leaves, next));
    }

    private void LogIn(DemoVenue venue, DemoPerson person, long at)
    {
        if (!person.IsKnown)
        {
            person.IsKnown = true;
            _records.Add(CrmRecord.Contact(_topics.CrmContacts, person.Contact, person.Name, at, _arrived));
            if (person.Laptop is { } laptop)
                _records.Add(CrmRecord.Login(_topics.CrmLogins, person.Contact, laptop, venue.Business, venue.Name, at, _arrived));
        }

        _records.Add(CrmRecord.Login(_topics.CrmLogins, person.Contact, person.Phone, venue.Business, venue.Name, at, _arrived));
    }

    private void PasserByComes(DemoVenue venue, long at)
    {
        Schedule(at + Next(at, venue.PassersByPerHour), next => PasserByComes(venue, next));
        string device = Mac(isRandomized: true);
        int strength = -58 - _random.Next(30);
        for (int i = _random.Next(1, 4); i > 0; i--)
            Schedule(at + _random.NextInt64(20 * Second), passes => Hear(venue, device, isRandomized: true, strength, passes));
    }

    private void StaffComes(DemoVenue venue, string device, bool isRandomized, long shift, long at)
    {
        Probe(venue, device, isRandomized, -48, shift + (7 * Hour) + _random.NextInt64(Hour), at);
        Schedule(shift + Day, next => StaffComes(venue, device, isRandomized, shift + Day, next));
    }

    private void EquipmentSpeaks(DemoVenue venue, string device, long at)
    {
        Hear(venue, device, isRandomized: false, -50, at);
        Schedule(at + Minute + _random.NextInt64(2 * Minute), next => EquipmentSpeaks(venue, device, next));
    }

    // Two access points hear the same frame, up to a wall apart.
    private void Hear(DemoVenue venue, string device, bool isRandomized, int strength, long at)
    {
        for (int ap = 1; ap <= 2; ap++)
        {
            int rssi = strength - _random.Next(7) - (ap == 2 ? _random.Next(12) : 0);
            if (rssi < -92)
                continue;
            CapturedProbe probe = new(at, device, $"{venue.Name}-ap{ap}", rssi, isRandomized);
            _records.Add(ProbeRecord.Of(_topics.Probes, probe, venue.Business, venue.Name, _arrived));
            Probes++;
        }
    }

    private DemoPerson NewPerson(double loginShare)
    {
        int number = ++_people;
        string first = FirstNames[_random.Next(FirstNames.Length)], last = LastNames[_random.Next(LastNames.Length)];
        bool isRandomized = _random.Next(10) < 7;
        return new DemoPerson(
            string.Create(CultureInfo.InvariantCulture, $"{first}.{last}.{number}").ToLowerInvariant(),
            $"{first} {last}",
            Mac(isRandomized),
            _random.Next(8) == 0 ? Mac(isRandomized: false) : null,
            isRandomized,
            _random.NextDouble() < loginShare);
    }

    // Exponential gaps: people come independently of each other.
    private long Next(long at, double perHour) =>
        Math.Max(1, (long)(-Math.Log(1 - _random.NextDouble()) * Hour / (perHour * Busy[at / Hour % 24])));

    private string Mac(bool isRandomized)
    {
        Span<byte> address = stackalloc byte[6];
        _random.NextBytes(address);
        address[0] = (byte)((address[0] & 0xfc) | (isRandomized ? 2 : 0));
        return MacAddress.Format(address);
    }
}
