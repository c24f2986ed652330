namespace Presence.Host.Demo;

/// <summary>A simulated venue.</summary>
/// <param name="Business">Its business.</param>
/// <param name="Name">Its id.</param>
/// <param name="VisitorsPerHour">Arrivals in a busy hour.</param>
/// <param name="PassersByPerHour">Devices that only go past, in a busy hour.</param>
/// <param name="Staff">People who work there by day.</param>
internal sealed record DemoVenue(string Business, string Name, double VisitorsPerHour, double PassersByPerHour, int Staff)
{
    /// <summary>Three businesses, one of them with two venues, whose regulars visit both.</summary>
    public static IReadOnlyList<DemoVenue> All { get; } =
    [
        new("corner-coffee", "corner-coffee-old-town", 12, 70, 3),
        new("corner-coffee", "corner-coffee-station", 10, 120, 2),
        new("book-nook", "book-nook-main", 6, 50, 2),
        new("green-gym", "green-gym-west", 5, 25, 2),
    ];
}
