namespace Presence.Host.Web.Board;

/// <summary>A visit as the API shows it; documented in docs/web.md.</summary>
internal sealed record VisitDocument(
    long Key,
    string? Visit,
    string Device,
    bool Randomized,
    string Kind,
    string? Contact,
    string? Name,
    string? Email,
    long? Count,
    long? At,
    long FirstSeen,
    long? LastSeen,
    long? DwellSeconds)
{
    /// <summary>For those who may not see persons: the device's end, the contact's initial, no address.</summary>
    public VisitDocument Masked() => this with
    {
        Visit = null,
        Device = Mask.Device(Device),
        Contact = Contact is null ? null : Mask.Text(Contact),
        Name = Name is null ? null : Mask.Text(Name),
        Email = null,
    };
}
