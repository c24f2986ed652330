using System.ComponentModel.DataAnnotations;
using Presence.Core.Events;

namespace Presence.Host.Configuration;

/// <summary><c>Presence:Topics</c>: names, and how `topics create` makes them.</summary>
public sealed class TopicOptions
{
    private static readonly TopicNames Defaults = new();

    public string Probes { get; set; } = Defaults.Probes;

    public string CrmContacts { get; set; } = Defaults.CrmContacts;

    public string CrmContactsBackfill { get; set; } = Defaults.CrmContactsBackfill;

    public string CrmLogins { get; set; } = Defaults.CrmLogins;

    public string CrmLoginsBackfill { get; set; } = Defaults.CrmLoginsBackfill;

    public string DeviceLogins { get; set; } = Defaults.DeviceLogins;

    public string WalkIns { get; set; } = Defaults.WalkIns;

    public string VisitsEnded { get; set; } = Defaults.VisitsEnded;

    public string DeviceToContact { get; set; } = Defaults.DeviceToContact;

    public string EnrichedWalkIns { get; set; } = Defaults.EnrichedWalkIns;

    public string WalkInCounts { get; set; } = Defaults.WalkInCounts;

    public string DeadLetter { get; set; } = Defaults.DeadLetter;

    /// <summary>Partitions of every public topic that `topics create` makes.</summary>
    [Range(1, 10_000)]
    public int Partitions { get; set; } = 4;

    /// <summary>Copies of each partition; null: the broker's default.</summary>
    [Range(1, 32)]
    public int? ReplicationFactor { get; set; }

    /// <summary>The names alone.</summary>
    public TopicNames Names() => new()
    {
        Probes = Probes,
        CrmContacts = CrmContacts,
        CrmContactsBackfill = CrmContactsBackfill,
        CrmLogins = CrmLogins,
        CrmLoginsBackfill = CrmLoginsBackfill,
        DeviceLogins = DeviceLogins,
        WalkIns = WalkIns,
        VisitsEnded = VisitsEnded,
        DeviceToContact = DeviceToContact,
        EnrichedWalkIns = EnrichedWalkIns,
        WalkInCounts = WalkInCounts,
        DeadLetter = DeadLetter,
    };
}
