using System.Text;
using Presence.Core.Events;
using Presence.Core.Stages;
using Presence.Core.Stages.Counting;
using Presence.Core.Stages.Enrichment;
using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;
using Presence.Tests.EndToEnd;

namespace Presence.Tests.Simulation;

/// <summary>
/// Some days in a small town, made from a seed: visitors who come, stay, return and log in, staff, equipment, passers-by;
/// probes that come twice or too late, and garbage. Records in the order of their event time, which runs much faster than
/// the virtual time in which they are written.
/// </summary>
internal sealed class SimulatedTown
{
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;
    private const long Day = 24 * Hour;
    private const long Start = 1_711_929_600_000;
    public const int Partitions = 2;

    public static readonly TopicNames Names = new();

    public static readonly WalkInOptions WalkIn = new() { SessionGap = TimeSpan.FromMinutes(60), LateGrace = TimeSpan.FromMinutes(20) };

    public static readonly VenueOptions[] Venues =
    [
        new() { Business = "b0", Venue = "v0", TimeZone = "Europe/Prague", ExcludedDevices = ["excluded"] },
        new() { Business = "b1", Venue = "v1", MaxVisit = TimeSpan.FromHours(5), Rearm = TimeSpan.FromHours(6) },
    ];

    public static IReadOnlyList<StageDefinition> Stages { get; } = StageCatalog.Create(Names, WalkIn, Venues, new EnrichedWalkInOptions(), new WalkInCountOptions(), ServiceNames.All.ToHashSet());

    private readonly Random _random;
    private readonly long[] _clocks = new long[Partitions];

    private SimulatedTown(int seed) => _random = new Random(seed);

    /// <summary>What is written: topic, key, value, in this order.</summary>
    public List<(string Topic, string Key, string Value)> Records { get; } = [];

    public List<Sighting> Logins { get; } = [];

    public int Garbage { get; private set; }

    public static SimulatedTown Create(int seed)
    {
        SimulatedTown town = new(seed);
        town.Build();
        return town;
    }

    private void Build()
    {
        List<Sighting> probes = [];
        const int days = 6;
        for (int device = 0; device < 14; device++)
        {
            int kind = device % 7;
            string name = device == 13 ? "excluded" : $"d{_random.Next(1000)}-{device}";
            for (int day = 0; day < days; day++)
            {
                long midnight = Start + (day * Day);
                switch (kind)
                {
                    case 0: // staff
                        Stay(probes, name, midnight + (9 * Hour), 5 * Hour, 40 * Minute, -50);
                        break;
                    case 1 when day < 4: // equipment
                        Stay(probes, name, midnight, Day, 55 * Minute, -55);
                        break;
                    case 2: // passes by
                        probes.Add(At(name, midnight + _random.NextInt64(Day), -70 - _random.Next(10)));
                        break;
                    default:
                        for (int visits = _random.Next(3); visits > 0; visits--)
                            Stay(probes, name, midnight + _random.NextInt64(Day), _random.NextInt64(2 * Hour), 10 * Minute, -50 - _random.Next(14));
                        break;
                }
            }
        }

        probes.Sort((a, b) => (a.At, a.Device, a.Venue, a.Rssi).CompareTo((b.At, b.Device, b.Venue, b.Rssi)));
        HashSet<string> known = [];
        for (int i = 0; i < probes.Count; i++)
        {
            Sighting probe = probes[i];
            Write(probe);
            if (_random.Next(12) == 0)
                Write(probes[Math.Max(0, i - _random.Next(4))]);
            if (_random.Next(60) == 0)
            {
                Garbage++;
                Records.Add((Names.Probes, probe.Device, _random.Next(2) == 0 ? "{\"device\":" : Scenario.ProbeLine(probe).Replace(probe.Device, "someone-else", StringComparison.Ordinal)));
            }

            // Too late by hours, and enough of them to make a walk-in if they were taken.
            if (_random.Next(20) == 0)
            {
                Sighting late = probe with { Device = $"late-{_random.Next(8)}", Rssi = -40, At = probe.At - (5 * Hour) };
                if (late.At + Hour < _clocks[PartitionOf(late.Device)])
                {
                    Write(late);
                    Write(late with { At = late.At + (10 * Minute) });
                }
            }

            if (probe.Device[^1] is '3' or '5' && _random.Next(10) == 0)
            {
                Sighting login = probe with { Rssi = 0, IsLogin = true, At = probe.At + 1 };
                Logins.Add(login);
                if (known.Add(login.Device))
                    Records.Add((Names.CrmContacts, Scenario.ContactOf(login.Device), Scenario.ContactLine(login)));
                Records.Add((_random.Next(4) == 0 ? Names.CrmLoginsBackfill : Names.CrmLogins, Scenario.ContactOf(login.Device), Scenario.LoginLine(login)));
            }
        }

        // The clocks of all partitions pass whatever is still open.
        long end = probes[^1].At + (3 * Day);
        HashSet<int> closed = [];
        for (int i = 0; closed.Count < Partitions; i++)
        {
            Sighting last = At($"last-{i}", end, -90);
            if (closed.Add(PartitionOf(last.Device)))
                Write(last);
        }
    }

    public static int PartitionOf(string device) => Core.Log.Partitioner.Of(Encoding.UTF8.GetBytes(device), Partitions);

    private void Stay(List<Sighting> probes, string device, long from, long length, long step, int rssi)
    {
        int venue = _random.Next(2);
        for (long at = from; at <= from + length; at += (step / 2) + _random.NextInt64((step / 2) + 1))
            probes.Add(At(device, at, rssi - _random.Next(8), venue));
    }

    private Sighting At(string device, long at, int rssi, int? venue = null)
    {
        int place = venue ?? _random.Next(2);
        return new Sighting($"b{place}", $"v{place}", device, at, rssi);
    }

    private void Write(Sighting probe)
    {
        ref long clock = ref _clocks[PartitionOf(probe.Device)];
        clock = Math.Max(clock, probe.At);
        Records.Add((Names.Probes, probe.Device, Scenario.ProbeLine(probe)));
    }
}
