using System.Globalization;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Tests.Events;

internal delegate Decoded DecodeRecord(in LogRecord record);

/// <summary>A decoder of a topic's records, and what it has decoded last, as text.</summary>
internal sealed record Decoder(string Topic, DecodeRecord Decode, Func<string> Decoded);

/// <summary>One of each, with an instance of its own.</summary>
internal static class Decoders
{
    public static IReadOnlyList<Decoder> Create()
    {
        ProbeEvent probe = new();
        CrmContactEvent contact = new();
        CrmLoginEvent login = new();
        DeviceLoginEvent deviceLogin = new();
        WalkInEvent walkIn = new();
        DeviceToContactEvent map = new();
        EnrichedWalkInEvent enriched = new();
        WalkInCountEvent count = new();
        return
        [
            new("probes", probe.Decode, () => Joined(probe.Device, probe.Business, probe.Venue, probe.AccessPoint, probe.Rssi, probe.At, probe.Randomized)),
            new("crm-contacts", contact.Decode, () => contact.Deleted ? Joined(contact.Contact) : Joined(contact.Contact, contact.Email, contact.Name, contact.At)),
            new("crm-logins", login.Decode, () => Joined(login.Contact, login.Device, login.Business, login.Venue, login.At)),
            new("device-logins", deviceLogin.Decode, () => Joined(deviceLogin.Device, deviceLogin.Business, deviceLogin.Venue, deviceLogin.Contact, deviceLogin.Email, deviceLogin.Name, deviceLogin.At, deviceLogin.Backfill, deviceLogin.Deleted)),
            new("walk-ins", walkIn.Decode, () => Joined(walkIn.Visit, walkIn.Device, walkIn.Business, walkIn.Venue, walkIn.At, walkIn.FirstSeen, walkIn.Rssi, walkIn.Randomized)),
            new("device-to-contact", map.Decode, () => $"{map.Device};{string.Join(';', Enumerable.Range(0, map.Count).Select(i => Joined(map[i].Business, map[i].Contact, map[i].Email, map[i].Name, map[i].At)))}"),
            new("enriched-walk-ins", enriched.Decode, () => Joined(enriched.Visit, enriched.Business, enriched.Venue, enriched.Contact, enriched.Email, enriched.Name, enriched.Device, enriched.At, enriched.FirstSeen)),
            new("walk-in-counts", count.Decode, () => Joined(count.Business, count.Contact, count.Count, count.LastVisit, count.LastAt)),
        ];
    }

    private static string Joined(params object[] fields) => string.Join('|', fields.Select(f => Convert.ToString(f, CultureInfo.InvariantCulture)));
}
