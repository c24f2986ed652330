namespace Presence.Core.Events;

/// <summary><c>Presence:Topics</c>: the names of the public topics.</summary>
public sealed class TopicNames
{
    public string Probes { get; set; } = "probes";

    public string CrmContacts { get; set; } = "crm-contacts";

    public string CrmContactsBackfill { get; set; } = "crm-contacts-backfill";

    public string CrmLogins { get; set; } = "crm-logins";

    public string CrmLoginsBackfill { get; set; } = "crm-logins-backfill";

    public string DeviceLogins { get; set; } = "device-logins";

    public string WalkIns { get; set; } = "walk-ins";

    public string VisitsEnded { get; set; } = "visits-ended";

    public string DeviceToContact { get; set; } = "device-to-contact";

    public string EnrichedWalkIns { get; set; } = "enriched-walk-ins";

    public string WalkInCounts { get; set; } = "walk-in-counts";

    public string DeadLetter { get; set; } = "dead-letter";
}
