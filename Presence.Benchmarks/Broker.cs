namespace Presence.Benchmarks;

/// <summary>
/// A broker for one run: started by the script beside the checkout and removed with its data; or, where
/// <c>PRESENCE_TEST_KAFKA</c> names bootstrap servers, one that runs already and is left as it is (but for its topics).
/// </summary>
internal sealed class Broker : IAsyncDisposable
{
    private readonly string? _directory;
    private readonly string _script;

    private Broker(string bootstrap, string script, string? directory)
    {
        Bootstrap = bootstrap;
        _script = script;
        _directory = directory;
    }

    /// <summary>Its bootstrap servers.</summary>
    public string Bootstrap { get; }

    /// <summary>Starts or finds it. Throws when one is given that may be used already, and <paramref name="mustBeNew"/>.</summary>
    public static async Task<Broker> Start(bool mustBeNew = false)
    {
        string? given = Environment.GetEnvironmentVariable("PRESENCE_TEST_KAFKA");
        if (given is { Length: > 0 } && !given.Contains('/', StringComparison.Ordinal))
            return mustBeNew ? throw new InvalidOperationException("This scenario needs new brokers: take PRESENCE_TEST_KAFKA away.") : new Broker(given, "", null);
        string script = given is { Length: > 0 } ? given : Paths.Kafka;
        if (!File.Exists(script))
            throw new FileNotFoundException($"There is no {script}. Set PRESENCE_TEST_KAFKA to the bootstrap servers of a broker.");
        string directory = Directory.CreateTempSubdirectory("presence-bench-").FullName;
        int port = FreePort.Pair();
        try
        {
            string output = await Shell.Run(script, ["start", Path.Combine(directory, "kafka"), "--port", port.ToString(System.Globalization.CultureInfo.InvariantCulture)], TimeSpan.FromMinutes(2), new Dictionary<string, string> { ["KAFKA_HEAP"] = "1g" });
            return new Broker(output.Trim().Split('\n')[^1].Trim(), script, directory);
        }
        catch
        {
            await new Broker("", script, directory).DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_directory is null)
            return;
        try
        {
            await Shell.Run(_script, ["stop", Path.Combine(_directory, "kafka")], TimeSpan.FromMinutes(1));
        }
        finally
        {
            Directory.Delete(_directory, recursive: true);
        }
    }
}
