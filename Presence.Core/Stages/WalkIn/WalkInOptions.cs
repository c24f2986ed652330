using System.ComponentModel.DataAnnotations;

namespace Presence.Core.Stages.WalkIn;

/// <summary><c>Presence:WalkIn</c>: when a device counts as walked in. A venue may override any of it.</summary>
public sealed class WalkInOptions
{
    /// <summary>dBm at which a sighting is strong.</summary>
    [Range(-127, 0)]
    public int EntryRssi { get; set; } = -65;

    /// <summary>dBm from which a sighting belongs at all; at most EntryRssi.</summary>
    [Range(-127, 0)]
    public int ExitRssi { get; set; } = -75;

    /// <summary>How long after its first strong sighting a device must still be there.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan MinDwell { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Sightings, each more than 1 s after the one before, that it takes.</summary>
    [Range(1, 100)]
    public int MinSightings { get; set; } = 2;

    /// <summary>The longest time between two sightings of one run.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SessionGap { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>A visit that begins sooner than this after the last one is a return.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan Rearm { get; set; } = TimeSpan.FromHours(3);

    /// <summary>A visit that lasts this long is ended.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "7.00:00:00")]
    public TimeSpan MaxVisit { get; set; } = TimeSpan.FromHours(10);

    /// <summary>How far behind stream time a sighting may be; less than SessionGap.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan LateGrace { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether probes of randomised MACs take part.</summary>
    public RandomizedMacs RandomizedMacs { get; set; } = RandomizedMacs.Include;
}

/// <summary>What becomes of probes from randomised MACs.</summary>
public enum RandomizedMacs
{
    /// <summary>The dwell rule decides.</summary>
    Include,

    /// <summary>They are ignored.</summary>
    Exclude,
}
