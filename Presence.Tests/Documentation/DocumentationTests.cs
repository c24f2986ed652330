using System.Text.RegularExpressions;
using Presence.Host.Configuration;
using Presence.Host.Kafka;

namespace Presence.Tests.Documentation;

/// <summary>What the documents name exists.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = FindRoot();

    private static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(Root, "*.md").Concat(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)).Select(f => Path.GetRelativePath(Root, f));

    [TestCaseSource(nameof(Documents))]
    public void Links_lead_somewhere(string document) =>
        Assert.That(
            Link().Matches(Read(document)).Select(m => m.Groups[1].Value).Where(l => !Path.Exists(Path.Combine(Root, Path.GetDirectoryName(document)!, l))),
            Is.Empty);

    [TestCaseSource(nameof(Documents))]
    public void Files_named_exist(string document) =>
        Assert.That(
            SourcePath().Matches(Read(document)).Select(m => m.Groups[1].Value).Where(p => !Path.Exists(Path.Combine(Root, p))),
            Is.Empty);

    [TestCaseSource(nameof(Documents))]
    public void Configuration_keys_named_exist(string document) =>
        Assert.That(
            Key().Matches(Read(document)).Select(m => m.Groups[1].Value.TrimEnd(':')).Where(k => !Exists(k)),
            Is.Empty);

    [TestCaseSource(nameof(Documents))]
    public void Members_named_exist(string document)
    {
        HashSet<string> names = [.. new[] { typeof(Core.Runtime.Worker), typeof(KafkaLog) }
            .SelectMany(t => t.Assembly.GetTypes())
            .Where(t => t.Namespace is not null)
            .SelectMany(t => t.GetMembers().Select(m => m.Name).Append(t.Name.Split('`')[0]))];
        Assert.That(Member().Matches(Read(document)).Select(m => m.Groups[1].Value).Where(m => !names.Contains(m) && !FromOutside.Contains(m)), Is.Empty);
    }

    // Names of other people's things.
    private static readonly HashSet<string> FromOutside = ["TimeProvider", "StateDirectory", "DynamicUser"];

    private static bool Exists(string key) =>
        ConfigurationSchema.Keys.Any(k => k.Pattern == key || k.Pattern.StartsWith($"{key}:", StringComparison.Ordinal)) || ConfigurationSchema.Find(key) is not null;

    private static string Read(string document) => File.ReadAllText(Path.Combine(Root, document));

    private static string FindRoot()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "presence.sln")))
            at = at.Parent;
        return at?.FullName ?? throw new InvalidOperationException("presence.sln is not above the tests");
    }

    [GeneratedRegex(@"\]\((?!http)([^)#]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`((?:Presence\.\w+|docs|deploy)/[\w./-]+)`")]
    private static partial Regex SourcePath();

    [GeneratedRegex(@"\b((?:Presence|Kafka):[A-Z][\w.]*(?::[\w.]+)*)")]
    private static partial Regex Key();

    [GeneratedRegex(@"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`")]
    private static partial Regex Member();
}
