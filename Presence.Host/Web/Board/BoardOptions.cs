namespace Presence.Host.Web.Board;

/// <summary>Bounds of the live board. It is a view, not a record: what does not fit is left out, oldest first.</summary>
internal sealed record BoardOptions
{
    /// <summary>How far before the end of each partition it begins, offsets.</summary>
    public int OffsetsBeforeEnd { get; init; } = 5_000;

    /// <summary>Venues; the one that was quiet for longest goes first.</summary>
    public int VenuesMax { get; init; } = 500;

    /// <summary>Devices in a venue at once.</summary>
    public int PresentMax { get; init; } = 2_000;

    /// <summary>Visits of a venue that are remembered though nobody is there (any more).</summary>
    public int EndedMax { get; init; } = 1_000;

    /// <summary>Walk-ins of a venue that are listed.</summary>
    public int ArrivalsMax { get; init; } = 50;

    /// <summary>Hours of a venue that are counted.</summary>
    public int HoursMax { get; init; } = 24;

    /// <summary>Contacts whose count is remembered.</summary>
    public int CountsMax { get; init; } = 50_000;

    /// <summary>Event time after which a visit without an end is taken for over: longer than any visit lasts.</summary>
    public TimeSpan StayMax { get; init; } = TimeSpan.FromHours(12);

    /// <summary>Listeners to events at once.</summary>
    public int ListenersMax { get; init; } = 64;

    /// <summary>Changes that wait for a slow listener; then the oldest go, and it gets a snapshot instead.</summary>
    public int PendingMax { get; init; } = 256;

    /// <summary>IANA time zones by venue (<c>business|venue</c>); UTC for any other.</summary>
    public IReadOnlyDictionary<string, string> TimeZones { get; init; } = new Dictionary<string, string>();
}
