namespace Presence.Host.Web.Board;

/// <summary>
/// One visit, put together from the topics in whatever order they came; used again for another visit when nobody holds
/// it any more. Guarded by the board's gate.
/// </summary>
internal sealed class Visit
{
    private const int IdText = 0;
    private const int DeviceText = 1;
    private const int ContactText = 2;
    private const int NameText = 3;
    private const int EmailText = 4;

    // The visit's 32 digits, a device's address, and what is known of a contact.
    private readonly TextRow _texts = new(5, 128);

    /// <summary>Where.</summary>
    public VenueBoard Venue { get; private set; } = null!;

    /// <summary>
    /// Names the visit towards the page. The visit's own id is a hash over the device's, and the few billion addresses
    /// there are can be tried: it is shown only to those who may see the device.
    /// </summary>
    public long Key { get; private set; }

    /// <summary>The board finds it by its id. One that is forgotten can still be listed among the arrivals.</summary>
    public bool IsRemembered { get; set; }

    public ReadOnlySpan<byte> Id => _texts[IdText];

    /// <summary>Empty for a device nobody has logged in with.</summary>
    public ReadOnlySpan<byte> Contact => _texts[ContactText];

    /// <summary>ms.</summary>
    public long FirstSeen { get; private set; }

    /// <summary>Event time of the walk-in, ms; null until it has been read.</summary>
    public long? At { get; set; }

    /// <summary>ms; null while it goes on.</summary>
    public long? LastSeen { get; set; }

    public bool Randomized { get; set; }

    /// <summary>The contact's count as known with this visit.</summary>
    public long? Count { get; set; }

    public VisitKind Kind { get; set; }

    /// <summary>Walked in, and not gone.</summary>
    public bool IsPresent => At is not null && LastSeen is null;

    /// <summary>Becomes the visit that <paramref name="record"/> is of: nothing stays of the one it was.</summary>
    public void Begin(VenueBoard venue, long key, BoardRecord record)
    {
        (Venue, Key, IsRemembered) = (venue, key, true);
        _texts.Set(IdText, record.Visit.Span);
        _texts.Set(DeviceText, record.Device.Span);
        FirstSeen = record.FirstSeen!.Value;
        At = LastSeen = Count = null;
        Randomized = false;
        Kind = VisitKind.Anonymous;
    }

    /// <summary>Takes over who it was.</summary>
    public void Enrich(BoardRecord record)
    {
        _texts.Set(ContactText, record.Contact.Span);
        _texts.Set(NameText, record.Name.Span);
        _texts.Set(EmailText, record.Email.Span);
    }

    /// <summary>What of it is shown, nothing masked: a copy.</summary>
    public VisitDocument Describe() => new(
        Key,
        _texts.String(IdText),
        _texts.String(DeviceText)!,
        Randomized,
        Kind.ToString().ToLowerInvariant(),
        _texts.String(ContactText),
        _texts.String(NameText),
        _texts.String(EmailText),
        Count,
        At,
        FirstSeen,
        LastSeen,
        LastSeen is { } last ? Math.Max(0, (last - FirstSeen) / 1000) : null);
}
