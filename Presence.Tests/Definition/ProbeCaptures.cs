using System.Globalization;
using System.IO.Compression;

namespace Presence.Tests.Definition;

/// <summary>
/// Real probe requests of one room, recorded by two sniffers: <c>../shared/data/probe-captures</c> beside the
/// repository, where its README says what they are. Their local times are taken as UTC, cut to whole ms.
/// </summary>
internal static class ProbeCaptures
{
    private const int DateTimeColumn = 0, SourceColumn = 2, RandomizedColumn = 4, RssiColumn = 5;

    /// <summary>The fourteen PCs that stand in the room.</summary>
    public static IReadOnlySet<string> Computers { get; } = new HashSet<string>
    {
        "dc:fb:48:68:be:e4", "dc:fb:48:8c:71:fc", "dc:fb:48:2a:52:e0", "dc:fb:48:f5:c6:c2", "dc:fb:48:e3:ab:78",
        "dc:fb:48:00:51:90", "dc:fb:48:75:d8:42", "dc:fb:48:de:86:8d", "dc:fb:48:dd:c6:0b", "dc:fb:48:55:d5:78",
        "dc:fb:48:c2:1d:64", "40:ec:99:f9:34:a6", "40:ec:99:8e:3f:63", "40:ec:99:1f:3e:75",
    };

    /// <summary>All sightings of a day by both access points in the order of time. Ignores the test where there are none.</summary>
    public static List<Sighting> Of(string day)
    {
        string? folder = Folder();
        if (folder is null)
            Assert.Ignore("The captures are not here: ../shared/data/probe-captures beside the repository.");
        return
        [
            .. new[] { "ap1", "ap2" }
                .SelectMany(accessPoint => Lines(Path.Combine(folder!, $"{day}_{accessPoint}.csv.gz")))
                .OrderBy(s => s.At),
        ];
    }

    private static IEnumerable<Sighting> Lines(string file)
    {
        using StreamReader reader = new(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        reader.ReadLine();
        while (reader.ReadLine() is string line)
        {
            string[] fields = line.Split(';', RssiColumn + 2);
            DateTimeOffset at = DateTimeOffset.Parse(fields[DateTimeColumn], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            int rssi = int.Parse(fields[RssiColumn], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            yield return new Sighting("university", "lab", fields[SourceColumn], at.ToUnixTimeMilliseconds(), rssi, Randomized: fields[RandomizedColumn] == "1");
        }
    }

    private static string? Folder()
    {
        for (DirectoryInfo? at = new(TestContext.CurrentContext.TestDirectory); at is not null; at = at.Parent)
        {
            string folder = Path.Combine(at.FullName, "..", "shared", "data", "probe-captures");
            if (File.Exists(Path.Combine(at.FullName, "presence.sln")))
                return Directory.Exists(folder) ? folder : null;
        }

        return null;
    }
}
