namespace Presence.Host.Web.Board;

/// <summary>One visit, put together from the topics in whatever order they came. Guarded by the board's gate.</summary>
internal sealed class Visit(VenueBoard venue, long key, string id, string device, long firstSeen)
{
    /// <summary>Where.</summary>
    public VenueBoard Venue { get; } = venue;

    /// <summary>
    /// Names the visit towards the page. The visit's own id is a hash over the device's, and the few billion addresses
    /// there are can be tried: it is shown only to those who may see the device.
    /// </summary>
    public long Key { get; } = key;

    public string Id { get; } = id;

    public string Device { get; } = device;

    /// <summary>ms.</summary>
    public long FirstSeen { get; } = firstSeen;

    /// <summary>Event time of the walk-in, ms; null until it has been read.</summary>
    public long? At { get; set; }

    /// <summary>ms; null while it goes on.</summary>
    public long? LastSeen { get; set; }

    public bool Randomized { get; set; }

    public string? Contact { get; set; }

    public string? Name { get; set; }

    public string? Email { get; set; }

    /// <summary>The contact's count as known with this visit.</summary>
    public long? Count { get; set; }

    public VisitKind Kind { get; set; }

    /// <summary>Walked in, and not gone.</summary>
    public bool IsPresent => At is not null && LastSeen is null;

    /// <summary>What of it is shown, nothing masked.</summary>
    public VisitDocument Describe() => new(
        Key,
        Id,
        Device,
        Randomized,
        Kind.ToString().ToLowerInvariant(),
        Contact,
        Name,
        Email,
        Count,
        At,
        FirstSeen,
        LastSeen,
        LastSeen is { } last ? Math.Max(0, (last - FirstSeen) / 1000) : null);
}
