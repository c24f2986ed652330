using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Presence.Core.Events;
using Presence.Core.Log;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Events;

[Parallelizable(ParallelScope.All)]
internal sealed class DecoderTests
{
    private const long Timestamp = 1_700_000_000_000;

    private static Decoded Decode(Decoder decoder, string? key, string? value) => Decode(decoder, key, value is null ? null : Encoding.UTF8.GetBytes(value));

    private static Decoded Decode(Decoder decoder, string? key, byte[]? value, long timestamp = Timestamp) => decoder.Decode(new LogRecord
    {
        Offset = 0,
        Timestamp = timestamp,
        Key = key is null ? default : Encoding.UTF8.GetBytes(key),
        HasKey = key is not null,
        Value = value,
        HasValue = value is not null,
    });

    private static Decoder Of(string topic) => Decoders.Create().Single(d => d.Topic == topic);

    private static PublicRecord Sample(string topic) => PublicRecords.WithValue.Last(r => r.Topic == topic);

    private static readonly string[] Decodable = [.. Decoders.Create().Select(d => d.Topic)];

    // What the record says, by another JSON reader; in the decoders' order.
    private static string Said(PublicRecord record)
    {
        JsonNode json = JsonNode.Parse(record.Value!)!;
        string Fields(JsonNode from, string names) => string.Join('|', names.Split(' ').Select(n => n.StartsWith('#') ? $"{(bool?)from[n[1..]] ?? false}" : from[n]?.ToString() ?? ""));
        return record.Topic switch
        {
            "probes" => Fields(json, "device business venue ap rssi at #randomized"),
            "crm-contacts" => Fields(json, "contact email name at"),
            "crm-logins" => Fields(json, "contact device business venue at"),
            "device-logins" => Fields(json, "device business venue contact email name at #backfill #deleted"),
            "walk-ins" => Fields(json, "visit device business venue at firstSeen rssi #randomized"),
            "device-to-contact" => $"{json["device"]};{string.Join(';', json["businesses"]!.AsObject().Select(b => $"{b.Key}|{Fields(b.Value!, "contact email name at")}"))}",
            "enriched-walk-ins" => Fields(json, "visit business venue contact email name device at firstSeen"),
            "walk-in-counts" => Fields(json, "business contact count lastVisit lastAt"),
            _ => throw new ArgumentException(record.Topic),
        };
    }

    [Test]
    public void What_was_written_is_what_is_decoded()
    {
        foreach (Decoder decoder in Decoders.Create())
        {
            List<PublicRecord> records = [.. PublicRecords.WithValue.Where(r => r.Topic == decoder.Topic)];
            Assert.That(records, Is.Not.Empty, decoder.Topic);
            foreach (PublicRecord record in records)
            {
                Assert.That(Decode(decoder, record.Key, record.Value).Breach, Is.EqualTo(Breach.None), record.Value);
                Assert.That(decoder.Decoded(), Is.EqualTo(Said(record)));
            }
        }
    }

    [Test]
    public void Names_and_texts_may_be_escaped_in_any_way_that_JSON_allows()
    {
        foreach (PublicRecord record in PublicRecords.WithValue.Where(r => Decodable.Contains(r.Topic)))
        {
            Decoder decoder = Of(record.Topic);
            Decode(decoder, record.Key, record.Value);
            string plain = decoder.Decoded();
            string escaped = Regex.Replace(record.Value!, "(?<=\")[A-Za-z]+(?=[^\"\\\\]*\")", m => string.Concat(m.Value.Select(c => $"\\u{(int)c:x4}")));
            Assert.That(escaped, Does.Match("\"(\\\\u00..)+\":"), "names are escaped too");
            Assert.That(Decode(decoder, record.Key, escaped).Breach, Is.EqualTo(Breach.None), escaped);
            Assert.That(decoder.Decoded(), Is.EqualTo(plain));
        }
    }

    [TestCaseSource(nameof(Decodable))]
    public void A_record_without_a_key_or_with_another_one_is_refused(string topic)
    {
        PublicRecord sample = Sample(topic);
        Assert.That(Decode(Of(topic), null, sample.Value).Breach, Is.EqualTo(Breach.NoKey));
        Assert.That(Decode(Of(topic), sample.Key + "x", sample.Value).Breach, Is.EqualTo(Breach.KeyMismatch));
        Assert.That(Decode(Of(topic), "", sample.Value).Breach, Is.EqualTo(Breach.KeyMismatch));
    }

    [TestCaseSource(nameof(Decodable))]
    public void What_is_not_one_JSON_object_in_UTF_8_is_refused(string topic)
    {
        PublicRecord sample = Sample(topic);
        foreach (string bad in (string[])["", " ", "null", "1", "[]", "\"x\"", "{", sample.Value![..^1], sample.Value + "x", sample.Value + "{}", "{\"a\":" + new string('[', 100) + new string(']', 100) + "}"])
            Assert.That(Decode(Of(topic), sample.Key, bad).Breach, Is.EqualTo(Breach.NotJson), bad);
        byte[] invalid = [.. Encoding.UTF8.GetBytes(sample.Value!.Insert(1, "\"@@\":1,"))];
        invalid[2] = 0xFF;
        Assert.That(Decode(Of(topic), sample.Key, invalid).Breach, Is.AnyOf(Breach.NotJson, Breach.None), "an unknown name that nobody reads");
        byte[] inText = Encoding.UTF8.GetBytes(sample.Value!.Replace(":\"", ":\"@", StringComparison.Ordinal));
        inText[Array.IndexOf(inText, (byte)'@')] = 0xFF;
        Assert.That(Decode(Of(topic), sample.Key, inText).Breach, Is.EqualTo(Breach.NotJson));
        Assert.That(Decode(Of(topic), sample.Key, sample.Value!.Replace(":\"", ":\"\\ud800", StringComparison.Ordinal)).Breach, Is.EqualTo(Breach.NotJson));
    }

    [TestCaseSource(nameof(Decodable))]
    public void Unknown_fields_are_passed_over_and_null_counts_as_absent(string topic)
    {
        PublicRecord sample = Sample(topic);
        Assert.That(Decode(Of(topic), sample.Key, sample.Value!.Insert(1, "\"zz\":{\"a\":[1,{\"b\":null}]},\"randomized2\":null,")).Breach, Is.EqualTo(Breach.None));
        string first = JsonNode.Parse(sample.Value)!.AsObject().First().Key;
        JsonObject without = JsonNode.Parse(sample.Value)!.AsObject();
        without[first] = null;
        Assert.That(Decode(Of(topic), sample.Key, without.ToJsonString()), Is.EqualTo(Decoded.Bad(Breach.MissingField, first)));
    }

    [Test]
    public void A_null_value_deletes_a_contact_and_empties_a_map_as_of_its_timestamp_without_moving_the_clock()
    {
        foreach (string topic in (string[])["crm-contacts", "device-to-contact"])
        {
            Assert.That(Decode(Of(topic), "ann", (byte[]?)null), Is.EqualTo(Decoded.At(Timestamp, movesClock: false)));
            Assert.That(Decode(Of(topic), "a|b", (byte[]?)null).Breach, Is.EqualTo(Breach.BadId));
            Assert.That(Decode(Of(topic), "ann", (byte[]?)null, timestamp: -1), Is.EqualTo(Decoded.Bad(Breach.TimeOutOfRange, "timestamp")));
        }

        foreach (string topic in Decodable.Except(["crm-contacts", "device-to-contact"]))
            Assert.That(Decode(Of(topic), "ann", (byte[]?)null).Breach, Is.EqualTo(Breach.NoValue));
    }

    [Test]
    public void A_field_that_occurs_twice_counts_with_its_last_value_and_so_does_a_business()
    {
        Decoder map = Of("device-to-contact");
        string One(string business, string contact) => $"\"{business}\":" + Json(("contact", contact), ("email", "e"), ("at", Timestamp));
        string Map(params string[] businesses) => "{\"device\":\"x\",\"device\":\"d\",\"businesses\":{" + string.Join(',', businesses) + "}}";
        Assert.That(Decode(map, "d", Map(One("b", "ann"), One("c", "cid"), One("b", "bob"), One("e", "eve"))).IsGood);
        Assert.That(map.Decoded().Split(';').Skip(1).Select(b => b.Split('|')[1]), Is.EquivalentTo(new[] { "cid", "bob", "eve" }));
        Assert.That(Decode(map, "d", Map(One("b", "ann"), "\"b\":null", One("c", "cid"))).IsGood);
        Assert.That(map.Decoded().Split(';').Skip(1).Select(b => b.Split('|')[1]), Is.EqualTo(new[] { "cid" }));
    }

    [Test]
    public void A_map_names_so_many_businesses_and_no_more()
    {
        string Map(int count) => Json(("device", "d"), ("businesses", Enumerable.Range(0, count).ToDictionary(i => $"b{i}", _ => new { contact = "c", email = "e", at = Timestamp })));
        Assert.That(Decode(Of("device-to-contact"), "d", Map(DeviceToContactEvent.BusinessesMax)).IsGood);
        Assert.That(Decode(Of("device-to-contact"), "d", Map(DeviceToContactEvent.BusinessesMax + 1)), Is.EqualTo(Decoded.Bad(Breach.TooMany, "businesses")));
    }

    [Test]
    public void Emails_and_names_are_bounded()
    {
        string Contact(int email, int name) => $$"""{"contact":"ann","email":"{{new string('e', email)}}","name":"{{new string('n', name)}}","at":{{Timestamp}}}""";
        Assert.That(Decode(Of("crm-contacts"), "ann", Contact(1000, 1000)).IsGood);
        Assert.That(Decode(Of("crm-contacts"), "ann", Contact(1, 0)).IsGood);
        Assert.That(Decode(Of("crm-contacts"), "ann", Contact(0, 1)), Is.EqualTo(Decoded.Bad(Breach.MissingField, "email")));
        Assert.That(Decode(Of("crm-contacts"), "ann", Contact(1001, 1)), Is.EqualTo(Decoded.Bad(Breach.TextTooLong, "email")));
        Assert.That(Decode(Of("crm-contacts"), "ann", Contact(1, 1001)), Is.EqualTo(Decoded.Bad(Breach.TextTooLong, "name")));
    }

    [Test]
    public void Every_breach_has_a_name()
    {
        Assert.That(Enum.GetValues<Breach>().Select(BreachNames.Of), Is.EqualTo(Enum.GetNames<Breach>().Select(n => Regex.Replace(n, "(?<=.)[A-Z]", "_$0").ToLowerInvariant())));
    }
}
