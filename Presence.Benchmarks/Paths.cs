namespace Presence.Benchmarks;

/// <summary>Where things are, seen from the checkout.</summary>
internal static class Paths
{
    /// <summary>The checkout.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Apache Kafka's control script, beside the checkout.</summary>
    public static string Kafka => Path.GetFullPath(Path.Combine(Root, "../shared/kafka/kafka"));

    /// <summary>The peer on Kafka Streams with its loader and meters, beside the checkout.</summary>
    public static string Peer => Path.GetFullPath(Path.Combine(Root, "../shared/peer"));

    /// <summary>The program under test, as it is deployed.</summary>
    public static string Presence
    {
        get
        {
            string published = Path.Combine(Root, "Presence.Host/bin/publish/presence.dll");
            return File.Exists(published)
                ? published
                : throw new FileNotFoundException($"{published} is missing: what is measured is what is deployed. Make it with: dotnet publish Presence.Host -c Release --use-current-runtime");
        }
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "presence.sln")))
                return directory.FullName;
        }

        throw new DirectoryNotFoundException("The benchmarks run from a checkout: presence.sln was not found above the program.");
    }
}
