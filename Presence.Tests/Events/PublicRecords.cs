using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;
using Presence.Tests.Stages;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Events;

/// <summary>A record of a public topic; no value: a tombstone.</summary>
internal sealed record PublicRecord(string Topic, string Key, string? Value);

/// <summary>
/// Good records of every public topic: inputs as people write them, everything else as the stages write it.
/// </summary>
internal static class PublicRecords
{
    private const string Odd = "Žofie \"Ž\" \\ 😀 \n <a&b>";

    public static IReadOnlyList<PublicRecord> All { get; } =
    [
        new("probes", "d1", Json(("device", "d1"), ("business", "b"), ("venue", "v"), ("ap", "ap-1"), ("rssi", -127), ("at", At(0)))),
        new("probes", "dé", Json(("device", "dé"), ("business", "b"), ("venue", "v"), ("ap", "ap-1"), ("rssi", 0), ("at", At(0)), ("randomized", true), ("more", new[] { 1, 2 }))),
        new("crm-contacts", "ann", Json(("contact", "ann"), ("email", "ann@example.org"), ("at", At(0)))),
        new("crm-contacts", "ann", Json(("contact", "ann"), ("email", Odd), ("name", Odd), ("at", At(0)), ("unknown", new { deep = new[] { new { deeper = 1.5 } } }))),
        new("crm-contacts", "ann", null),
        new("crm-logins", "ann", Json(("contact", "ann"), ("device", "d1"), ("business", "b"), ("venue", "v"), ("at", At(0)))),
        .. Written("device-logins", Joined()),
        .. Written("walk-ins", WalkIn()),
        .. Written("visits-ended", WalkIn()),
        .. Written("device-to-contact", Maps()),
        .. Written("enriched-walk-ins", Enriched()),
        .. Written("walk-in-counts", Counted()),
    ];

    /// <summary>Those with a value.</summary>
    public static IEnumerable<PublicRecord> WithValue => All.Where(r => r.Value is not null);

    private static IEnumerable<PublicRecord> Written(string topic, StageDriver driver) =>
        driver.Sent(topic).Select(s => new PublicRecord(topic, Text(s.Key), s.Value is null ? null : Text(s.Value)));

    private static StageDriver Joined() => new StageDriver(Logins).After(
        new ContactFact("ann", At(0), "ann@example.org", Odd),
        new LoginFact("ann", "d1", "b", "v", At(1)),
        new LoginFact("ann", "d2", "b", "v", At(2), Backfill: true),
        new ContactFact("ann", At(3), "ann@example.org"),
        new ContactFact("ann", At(4), null));

    private static StageDriver WalkIn()
    {
        StageDriver driver = WalkInHistory.Driver(new WalkInOptions());
        foreach (Sighting s in (Sighting[])[WalkInHistory.At(0), WalkInHistory.At(0, -50, "r", randomized: true), WalkInHistory.At(5.5), WalkInHistory.At(6, -50, "r", randomized: true), WalkInHistory.At(7, device: "l", login: true), WalkInHistory.Clock(100)])
            driver.Write(s);
        driver.Run();
        return driver;
    }

    private static StageDriver Maps()
    {
        StageDriver driver = new(DeviceToContact);
        driver.Write(0, "d1", DeviceLogin("d1", "b", "ann", At(1), name: Odd));
        driver.Write(0, "d1", DeviceLogin("d1", "b-ž", "bob", At(2)));
        driver.Write(0, "d1", DeviceLogin("d1", "b", "ann", At(1), deleted: true));
        driver.Write(0, "d1", DeviceLogin("d1", "b-ž", "bob", At(2), deleted: true));
        driver.Run();
        return driver;
    }

    private static StageDriver Enriched()
    {
        StageDriver driver = new(Enrichment);
        driver.Write(1, "d1", Json(("device", "d1"), ("businesses", new { b = new { contact = "ann", email = Odd, name = Odd, at = At(0) }, b2 = new { contact = "bob", email = "e", at = At(0) } })));
        driver.Write(Visit("x", 10, device: "d1"));
        driver.Write(Visit("y", 10, "b2", "d1"));
        driver.Run();
        return driver;
    }

    private static StageDriver Counted()
    {
        StageDriver driver = new(Counting);
        driver.Write("b", "ann", new CountedFact("x", At(0), At(0)));
        driver.Write("b", "ann", new CountedFact("y", At(500), At(500)));
        driver.Run();
        return driver;
    }
}
