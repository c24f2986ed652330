namespace Presence.Tests.Definition;

/// <summary>What is said of a contact at a time; no e-mail: that it is deleted.</summary>
internal sealed record ContactFact(string Contact, long At, string? Email, string? Name = null);

/// <summary>A login at the portal.</summary>
internal sealed record LoginFact(string Contact, string Device, string Business, string Venue, long At, bool Backfill = false);

/// <summary>Whose a device is at a business.</summary>
internal sealed record DefinedMapping(string Device, string Business, string Contact, string Email, string? Name, long At);

/// <summary>
/// Whose a device is, over whole sets: of what is said of a contact the latest is true, and a business's contact is that
/// of the latest login of a contact that is there. Times of one contact's facts, and of one device's logins, differ.
/// </summary>
internal static class DeviceToContactDefinition
{
    /// <summary>All mappings.</summary>
    public static List<DefinedMapping> Of(IReadOnlyCollection<ContactFact> contacts, IReadOnlyCollection<LoginFact> logins) =>
    [
        .. from login in logins
           join truth in contacts.GroupBy(c => c.Contact).Select(c => c.MaxBy(f => f.At)!) on login.Contact equals truth.Contact
           where truth.Email is not null
           group new DefinedMapping(login.Device, login.Business, login.Contact, truth.Email!, truth.Name, login.At) by (login.Device, login.Business) into place
           select place.MaxBy(m => m.At),
    ];
}
