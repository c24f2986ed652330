using System.Text;

namespace Presence.Core.Stages.WalkIn;

/// <summary>What holds at one venue: the defaults with the venue's own values over them; times in ms.</summary>
public sealed class VenueParameters
{
    /// <summary>Merges. Throws <see cref="ArgumentException"/> for an unknown time zone.</summary>
    public VenueParameters(WalkInOptions defaults, VenueOptions? venue)
    {
        EntryRssi = venue?.EntryRssi ?? defaults.EntryRssi;
        ExitRssi = venue?.ExitRssi ?? defaults.ExitRssi;
        MinDwell = Milliseconds(venue?.MinDwell ?? defaults.MinDwell);
        MinSightings = venue?.MinSightings ?? defaults.MinSightings;
        SessionGap = Milliseconds(venue?.SessionGap ?? defaults.SessionGap);
        Rearm = Milliseconds(venue?.Rearm ?? defaults.Rearm);
        MaxVisit = Milliseconds(venue?.MaxVisit ?? defaults.MaxVisit);
        LateGrace = Milliseconds(venue?.LateGrace ?? defaults.LateGrace);
        RandomizedMacs = venue?.RandomizedMacs ?? defaults.RandomizedMacs;
        string zone = venue?.TimeZone ?? "UTC";
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out TimeZoneInfo? found))
            throw new ArgumentException($"The time zone '{zone}' of venue {venue?.Business}|{venue?.Venue} is not known on this machine (IANA names, from the package tzdata).", nameof(venue));
        TimeZone = found;
        foreach (string device in venue?.ExcludedDevices ?? [])
            Excluded.Add(Encoding.UTF8.GetBytes(device));
        IsExcluded = Excluded.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public int EntryRssi { get; }

    public int ExitRssi { get; }

    public long MinDwell { get; }

    public int MinSightings { get; }

    public long SessionGap { get; }

    public long Rearm { get; }

    public long MaxVisit { get; }

    public long LateGrace { get; }

    public RandomizedMacs RandomizedMacs { get; }

    public TimeZoneInfo TimeZone { get; }

    /// <summary>Devices that emit no walk-in, looked up by their bytes.</summary>
    public HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> IsExcluded { get; }

    private HashSet<byte[]> Excluded { get; } = new(ByteKeys.Comparer);

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;
}
