using System.Text.RegularExpressions;
using Presence.Host.Configuration;

namespace Presence.Tests.Configuration;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed partial class DocumentedKeysTests
{
    [Test]
    public void Every_key_is_documented_and_every_documented_key_exists()
    {
        string[] documented = [.. Row().Matches(File.ReadAllText(Path.Combine(Root(), "docs", "configuration.md"))).Select(m => m.Groups[1].Value)];

        // A list of words is documented as one key.
        Assert.That(documented, Is.EquivalentTo(ConfigurationSchema.Keys.Select(k => k.Pattern == "Presence:Stages:*" ? "Presence:Stages" : k.Pattern)));
    }

    private static string Root()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "presence.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the checkout.");
    }

    [GeneratedRegex("^\\| `((?:Presence|Kafka):[^`]+)` \\|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
