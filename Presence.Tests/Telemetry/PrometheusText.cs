using System.Globalization;
using System.Text.RegularExpressions;

namespace Presence.Tests.Telemetry;

/// <summary>Parses what a scraper would.</summary>
internal static partial class PrometheusText
{
    private static readonly string[] Labels = ["otel_scope_name", "stage", "role", "state", "partition", "reason", "kind", "le"];

    /// <summary>Every line is well formed, every sample has a declared type, and our labels are known ones.</summary>
    public static void Check(string text)
    {
        Dictionary<string, string> types = [];
        HashSet<string> samples = [];
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith('#'))
            {
                string[] words = line.Split(' ', 4);
                if (words[1] == "TYPE")
                    Assert.That(types.TryAdd(words[2], words[3]), Is.True, $"{words[2]} is declared twice");
                continue;
            }

            Match sample = Sample().Match(line);
            Assert.That(sample.Success, Is.True, line);
            string name = sample.Groups["name"].Value;
            Assert.That(types.ContainsKey(name) || types.ContainsKey(Suffix().Replace(name, "")), Is.True, $"{name} has no type");
            Assert.That(samples.Add(name + sample.Groups["labels"].Value), Is.True, $"twice: {line}");
            string value = sample.Groups["value"].Value;
            Assert.That(value is "+Inf" or "-Inf" or "NaN" || double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _), Is.True, line);
            if (name.StartsWith("presence_", StringComparison.Ordinal))
                Assert.That(Label().Matches(sample.Groups["labels"].Value).Select(m => m.Groups[1].Value), Is.SubsetOf(Labels), line);
        }

        Assert.That(types.Keys, Is.SupersetOf(new[] { "presence_tasks", "presence_lag", "presence_commits_total", "presence_disk_free_bytes" }));
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? (?<value>\S+)( \d+)?$""")]
    private static partial Regex Sample();

    [GeneratedRegex("""([a-zA-Z_][a-zA-Z0-9_]*)="(?:\\.|[^"\\])*" ?""")]
    private static partial Regex Label();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}
