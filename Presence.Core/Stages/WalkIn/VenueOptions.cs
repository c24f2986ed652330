namespace Presence.Core.Stages.WalkIn;

/// <summary>
/// One entry of <c>Presence:Venues</c>: a venue that differs from the defaults. What is null is taken from
/// <see cref="WalkInOptions"/>; ranges are those given there.
/// </summary>
public sealed class VenueOptions
{
    /// <summary>Business id. Required.</summary>
    public string Business { get; set; } = "";

    /// <summary>Venue id. Required.</summary>
    public string Venue { get; set; } = "";

    /// <summary>IANA name of the venue's time zone; its midnight cuts the days of the staff and equipment rules.</summary>
    public string TimeZone { get; set; } = "UTC";

    /// <summary>Devices that never emit a walk-in here.</summary>
    public IList<string> ExcludedDevices { get; set; } = [];

    public int? EntryRssi { get; set; }

    public int? ExitRssi { get; set; }

    public TimeSpan? MinDwell { get; set; }

    public int? MinSightings { get; set; }

    public TimeSpan? SessionGap { get; set; }

    public TimeSpan? Rearm { get; set; }

    public TimeSpan? MaxVisit { get; set; }

    public TimeSpan? LateGrace { get; set; }

    public RandomizedMacs? RandomizedMacs { get; set; }
}
