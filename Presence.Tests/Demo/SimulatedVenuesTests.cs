using System.Text;
using System.Text.Json;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Host.Demo;

namespace Presence.Tests.Demo;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class SimulatedVenuesTests
{
    private const long Start = 1_710_000_000_000;
    private const long Hour = 3_600_000;

    [Test]
    public void The_same_seed_gives_the_same_records_however_they_are_asked_for()
    {
        List<ProducedRecord> whole = new SimulatedVenues(1, Start, new TopicNames()).Advance(Start + (2 * Hour), 7);
        SimulatedVenues stepped = new(1, Start, new TopicNames());
        List<ProducedRecord> steps = [];
        for (long at = Start; at <= Start + (2 * Hour); at += 17_000)
            steps.AddRange(stepped.Advance(at, 7));
        steps.AddRange(stepped.Advance(Start + (2 * Hour), 7));

        Assert.That(steps.Select(Text), Is.EqualTo(whole.Select(Text)));
        Assert.That(new SimulatedVenues(2, Start, new TopicNames()).Advance(Start + (2 * Hour), 7).Select(Text), Is.Not.EqualTo(whole.Select(Text)));
    }

    [Test]
    public void Every_record_keeps_the_contract_and_comes_in_order_of_time()
    {
        List<ProducedRecord> records = new SimulatedVenues(3, Start, new TopicNames()).Advance(Start + (12 * Hour), 7);
        ProbeEvent probe = new();
        long last = 0;
        foreach (ProducedRecord record in records)
        {
            JsonElement value = JsonDocument.Parse(record.Value).RootElement;
            long at = value.GetProperty("at").GetInt64();
            Assert.That(at, Is.GreaterThanOrEqualTo(last), Text(record));
            last = at;
            if (record.Topic == "probes")
                Assert.That(probe.Decode(new LogRecord { Offset = 0, Timestamp = 7, Key = record.Key, HasKey = true, Value = record.Value, HasValue = true }).IsGood, Text(record));
            else
                Assert.That(value.GetProperty("contact").GetString(), Is.EqualTo(Encoding.UTF8.GetString(record.Key)));
        }

        Assert.That(records.Select(r => r.Topic).Distinct(), Is.EquivalentTo(new[] { "probes", "crm-contacts", "crm-logins" }));
    }

    [Test]
    public void A_login_follows_its_contact()
    {
        HashSet<string> known = [];
        foreach (ProducedRecord record in new SimulatedVenues(3, Start, new TopicNames()).Advance(Start + (12 * Hour), 7))
        {
            if (record.Topic == "crm-contacts")
                known.Add(Encoding.UTF8.GetString(record.Key));
            else if (record.Topic == "crm-logins")
                Assert.That(known, Does.Contain(Encoding.UTF8.GetString(record.Key)));
        }

        Assert.That(known, Is.Not.Empty);
    }

    private static string Text(ProducedRecord record) => $"{record.Topic} {Encoding.UTF8.GetString(record.Key)} {Encoding.UTF8.GetString(record.Value!)} {record.Timestamp}";
}
