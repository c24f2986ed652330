using System.Text;
using System.Text.Json.Nodes;
using NJsonSchema;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Tests.Events;

/// <summary>The JSON Schemas of docs/schemas say what the writers write and what the decoders take.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class SchemaTests
{
    private static readonly string[] Topics = [.. PublicRecords.WithValue.Select(r => r.Topic).Distinct()];

    private static Task<JsonSchema> Schema(string topic) => JsonSchema.FromJsonAsync(File.ReadAllText(Path.Combine(Folder(), $"{topic}.schema.json")));

    private static string Folder()
    {
        for (DirectoryInfo? at = new(TestContext.CurrentContext.TestDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "presence.sln")))
                return Path.Combine(at.FullName, "docs", "schemas");
        }

        throw new DirectoryNotFoundException("presence.sln");
    }

    private static bool Decodes(string topic, string key, string value)
    {
        byte[] keyBytes = Encoding.UTF8.GetBytes(key), valueBytes = Encoding.UTF8.GetBytes(value);
        Decoder? decoder = Decoders.Create().SingleOrDefault(d => d.Topic == topic);
        return decoder is null || decoder.Decode(new LogRecord { Offset = 0, Timestamp = 0, Key = keyBytes, HasKey = true, Value = valueBytes, HasValue = true }).IsGood;
    }

    // Each field of a record, those of a map's businesses included.
    private static IEnumerable<(JsonObject Record, JsonObject Parent, string Field)> EachField(string value)
    {
        IEnumerable<string[]> paths = JsonNode.Parse(value)!.AsObject().SelectMany(f => f.Key == "businesses"
            ? [["businesses"], .. f.Value!.AsObject().SelectMany(b => b.Value!.AsObject().Select(m => new[] { "businesses", b.Key, m.Key }))]
            : new[] { new[] { f.Key } });
        foreach (string[] path in paths)
        {
            JsonObject record = JsonNode.Parse(value)!.AsObject();
            yield return (record, path[..^1].Aggregate(record, (o, n) => o[n]!.AsObject()), path[^1]);
        }
    }

    [Test]
    public void There_is_a_schema_for_every_public_topic_and_no_other()
    {
        TopicNames names = new();
        string[] shared = [names.CrmContactsBackfill, names.CrmLoginsBackfill, names.DeadLetter];
        IEnumerable<string> expected = TopicCatalog.Public(names, 1, null).Select(t => t.Name).Except(shared);
        Assert.That(Directory.GetFiles(Folder()).Select(Path.GetFileName), Is.EquivalentTo(expected.Select(t => $"{t}.schema.json")));
        Assert.That(Topics, Is.EquivalentTo(expected));
    }

    [TestCaseSource(nameof(Topics))]
    public async Task What_is_written_is_valid(string topic)
    {
        JsonSchema schema = await Schema(topic);
        foreach (PublicRecord record in PublicRecords.WithValue.Where(r => r.Topic == topic))
            Assert.That(schema.Validate(record.Value!), Is.Empty, record.Value);
    }

    [TestCaseSource(nameof(Topics))]
    public async Task Schemas_and_decoders_agree_on_which_fields_must_be_there(string topic)
    {
        JsonSchema schema = await Schema(topic);
        int required = 0;
        foreach (PublicRecord sample in PublicRecords.WithValue.Where(r => r.Topic == topic))
        {
            foreach ((JsonObject record, JsonObject parent, string field) in EachField(sample.Value!))
            {
                parent.Remove(field);
                bool isValid = schema.Validate(record.ToJsonString()).Count == 0;
                required += isValid ? 0 : 1;
                if (topic != "visits-ended")
                    Assert.That(Decodes(topic, sample.Key, record.ToJsonString()), Is.EqualTo(isValid), $"without {field}");
            }
        }

        Assert.That(required, Is.GreaterThan(1));
    }

    [TestCaseSource(nameof(Topics))]
    public async Task Neither_schemas_nor_decoders_take_a_field_of_another_type_or_out_of_range(string topic)
    {
        JsonSchema schema = await Schema(topic);
        PublicRecord sample = PublicRecords.WithValue.Last(r => r.Topic == topic);
        foreach (JsonNode? bad in (JsonNode?[])[new JsonArray(), 1.5, -1_000, 9_999_999_999_999_999, "", "a|b", "a b", "a\tb", new string('x', 1001)])
        {
            foreach ((JsonObject record, JsonObject parent, string field) in EachField(sample.Value!))
            {
                // Any text will do for an e-mail, a name may be empty, unknown fields are free, and a count may be large.
                string text = bad!.ToString();
                if (field is "more" or "unknown" || (field is "email" or "name" && bad.GetValueKind() == System.Text.Json.JsonValueKind.String && text.Length is > 0 and < 1000) || (field == "name" && text.Length == 0 && bad is JsonValue)
                    || (field is "count" or "dwellSeconds" && text.StartsWith("999", StringComparison.Ordinal)))
                {
                    continue;
                }

                parent[field] = bad.DeepClone();
                Assert.That(schema.Validate(record.ToJsonString()), Is.Not.Empty, $"{field}: {bad.ToJsonString()}");
                if (topic != "visits-ended")
                    Assert.That(Decodes(topic, sample.Key, record.ToJsonString()), Is.False, $"{field}: {bad.ToJsonString()}");
            }
        }
    }

    [TestCaseSource(nameof(Topics))]
    public async Task Unknown_fields_are_free(string topic)
    {
        JsonSchema schema = await Schema(topic);
        JsonObject record = JsonNode.Parse(PublicRecords.WithValue.Last(r => r.Topic == topic).Value!)!.AsObject();
        record["later"] = new JsonObject { ["a"] = 1 };
        Assert.That(schema.Validate(record.ToJsonString()), Is.Empty);
    }
}
