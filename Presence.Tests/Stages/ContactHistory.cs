using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Presence.Core.Events;
using Presence.Core.Stages;
using Presence.Core.Stages.Counting;
using Presence.Core.Stages.DeviceToContact;
using Presence.Core.Stages.Enrichment;
using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;

namespace Presence.Tests.Stages;

/// <summary>Records about contacts, and drivers of the stages that read them.</summary>
internal static class ContactHistory
{
    public const long Start = 1_711_000_000_000;
    public const long Minute = 60_000;

    public static readonly TopicNames Topics = new();

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static StageDefinition Logins => ContactLoginsStage.Define(Topics);

    public static StageDefinition DeviceToContact => DeviceToContactStage.Define(Topics);

    public static StageDefinition Enrichment => EnrichmentStage.Define(Topics, new EnrichedWalkInOptions(), new WalkInOptions());

    public static StageDefinition Counting => CountingStage.Define(Topics, new WalkInCountOptions(), new EnrichedWalkInOptions(), new WalkInOptions());

    public static long At(double minutes) => Start + (long)(minutes * Minute);

    public static string Json(params (string Name, object? Value)[] fields) =>
        JsonSerializer.Serialize(fields.Where(f => f.Value is not null).ToDictionary(f => f.Name, f => f.Value), Relaxed);

    /// <summary>A contact's record, or the null value that deletes it (at the record's timestamp).</summary>
    public static void Write(this StageDriver driver, ContactFact c, bool backfill = false) =>
        driver.Write(backfill ? 1 : 0, c.Contact, c.Email is null ? null : Json(("contact", c.Contact), ("email", c.Email), ("name", c.Name), ("at", c.At)), c.At);

    public static void Write(this StageDriver driver, LoginFact l) =>
        driver.Write(l.Backfill ? 3 : 2, l.Contact, Json(("contact", l.Contact), ("device", l.Device), ("business", l.Business), ("venue", l.Venue), ("at", l.At)), l.At);

    public static void Write(this StageDriver driver, VisitFact v) =>
        driver.Write(0, v.Device, Json(("visit", v.Visit), ("device", v.Device), ("business", v.Business), ("venue", "v"), ("at", v.At), ("firstSeen", v.At - (5 * Minute)), ("rssi", -50)), v.At);

    public static void Write(this StageDriver driver, MapFact m) =>
        driver.Write(
            1,
            m.Device,
            m.Businesses.Count == 0
                ? null
                : Json(("device", m.Device), ("businesses", m.Businesses.ToDictionary(b => b.Key, b => new { contact = b.Value.Contact, email = $"{b.Value.Contact}@example.org", at = b.Value.At }))),
            m.EventTime);

    public static void Write(this StageDriver driver, string business, string contact, CountedFact w) =>
        driver.Write(0, $"{business}|{contact}", EnrichedWalkIn(business, contact, w), w.At);

    public static string EnrichedWalkIn(string business, string contact, CountedFact w) =>
        Json(("visit", w.Visit), ("business", business), ("venue", "v"), ("contact", contact), ("email", "e@example.org"), ("device", "d"), ("at", w.At), ("firstSeen", w.FirstSeen));

    public static string DeviceLogin(string device, string business, string contact, long at, string? email = null, string? name = null, bool deleted = false) =>
        Json(("device", device), ("business", business), ("venue", "v"), ("contact", contact), ("email", email ?? $"{contact}@example.org"), ("name", name), ("at", at), ("deleted", deleted ? true : null));

    /// <summary>Processes and commits one record after the other, a minute of wall-clock time apart.</summary>
    public static StageDriver After(this StageDriver driver, params object[] facts)
    {
        foreach (object fact in facts)
        {
            driver.WriteFact(fact);
            driver.WallClock += Minute;
            driver.Run();
        }

        return driver;
    }

    /// <summary>Keeps a fact for delivery.</summary>
    public static void WriteFact(this StageDriver driver, object fact)
    {
        switch (fact)
        {
            case ContactFact c:
                driver.Write(c);
                break;
            case LoginFact l:
                driver.Write(l);
                break;
            case VisitFact v:
                driver.Write(v);
                break;
            case MapFact m:
                driver.Write(m);
                break;
            default:
                throw new ArgumentException(fact.ToString());
        }
    }

    public static MapFact Map(string device, params (string Business, string Contact, double Minutes)[] businesses) =>
        new(device, businesses.ToDictionary(b => b.Business, b => (b.Contact, At(b.Minutes))), Start);

    public static VisitFact Visit(string visit, double minutes, string business = "b", string device = "d") => new(visit, device, business, At(minutes));

    /// <summary>What the last record of each device says, as the definition has it.</summary>
    public static List<DefinedMapping> Maps(this StageDriver driver) =>
    [
        .. driver.Sent(Topics.DeviceToContact).GroupBy(s => Text(s.Key)).Select(d => d.Last()).Where(s => s.Value is not null)
            .SelectMany(s => JsonNode.Parse(s.Value!)!["businesses"]!.AsObject().Select(b => new DefinedMapping(
                Text(s.Key), b.Key, (string)b.Value!["contact"]!, (string)b.Value["email"]!, (string?)b.Value["name"], (long)b.Value["at"]!))),
    ];

    public static string Text(byte[] utf8) => System.Text.Encoding.UTF8.GetString(utf8);

    /// <summary>Visit and contact of what was enriched, in order.</summary>
    public static List<(string Visit, string Contact)> Enriched(this StageDriver driver) =>
        [.. driver.Output(0).Select(e => ((string)e!["visit"]!, (string)e["contact"]!))];
}
