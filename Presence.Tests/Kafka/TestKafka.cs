using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Testcontainers.Kafka;

namespace Presence.Tests.Kafka;

/// <summary>
/// The broker of the tests, started when the first test asks for it. In this order: PRESENCE_TEST_KAFKA (bootstrap
/// servers), the script <c>../shared/kafka/kafka</c> beside the project, Docker. Where there is none the test is
/// skipped and says so; with CI=true that is a failure.
/// </summary>
internal static class TestKafka
{
    private static readonly SemaphoreSlim Gate = new(1, 1);
    private static string? _bootstrap;
    private static PrivateBroker? _script;
    private static KafkaContainer? _container;

    /// <summary>Bootstrap servers of the shared broker.</summary>
    public static async Task<string> Bootstrap()
    {
        await Gate.WaitAsync();
        try
        {
            return _bootstrap ??= await Start();
        }
        finally
        {
            Gate.Release();
        }
    }

    /// <summary>A broker of one's own, to be killed; needs the script.</summary>
    public static PrivateBroker StartPrivate(int brokers = 1)
    {
        if (PrivateBroker.Script is null)
            Skip("there is no ../shared/kafka/kafka beside the project, and this test kills its broker");
        return PrivateBroker.Start(brokers);
    }

    /// <summary>Ends what was started.</summary>
    public static async Task Stop()
    {
        _script?.Dispose();
        if (_container is not null)
            await _container.DisposeAsync();
    }

    private static async Task<string> Start()
    {
        string? given = Environment.GetEnvironmentVariable("PRESENCE_TEST_KAFKA");
        if (!string.IsNullOrEmpty(given))
            return given;
        if (PrivateBroker.Script is not null)
            return (_script = PrivateBroker.Start()).Bootstrap;
        try
        {
            KafkaContainer container = new KafkaBuilder("apache/kafka:4.1.0").Build();
            await container.StartAsync();
            _container = container;
            return container.GetBootstrapAddress();
        }
        catch (Exception e)
        {
            Skip($"PRESENCE_TEST_KAFKA is not set, there is no ../shared/kafka/kafka beside the project, and Docker cannot be used: {e.Message}");
            throw;
        }
    }

    private static void Skip(string reason)
    {
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
            Assert.Fail($"No broker to test against: {reason}. In CI that is a failure.");
        Assert.Ignore($"No broker to test against: {reason}.");
    }

    /// <summary>A real broker in a directory of its own, on ports of its own.</summary>
    internal sealed class PrivateBroker : IDisposable
    {
        private readonly string _directory;

        private PrivateBroker(string directory, string bootstrap)
        {
            _directory = directory;
            Bootstrap = bootstrap;
        }

        public static string? Script { get; } = FindScript();

        public string Bootstrap { get; }

        /// <summary>Where it keeps its logs.</summary>
        public string DirectoryPath => _directory;

        public static PrivateBroker Start(int brokers = 1)
        {
            string directory = Directory.CreateTempSubdirectory("presence-kafka-").FullName;
            int port = FreePort(2 * brokers);
            string output = Run("start", directory, "--brokers", Text(brokers), "--port", Text(port));
            return new PrivateBroker(directory, output.Trim().Split('\n')[^1]);
        }

        /// <summary>kill -9 of all, or of one (1, 2, …).</summary>
        public void Kill(int? node = null) => Run(["kill", _directory, .. node is { } one ? [Text(one)] : Array.Empty<string>()]);

        /// <summary>Starts again what was killed.</summary>
        public void Up(int? node = null)
        {
            // A broker on a machine that does much else takes longer than the script waits for it; it is not started twice.
            for (int tries = 1; ; tries++)
            {
                try
                {
                    Run(["up", _directory, .. node is { } one ? [Text(one)] : Array.Empty<string>()]);
                    return;
                }
                catch (InvalidOperationException) when (tries < 4)
                {
                    // Waited for again.
                }
            }
        }

        public void Dispose()
        {
            Run("kill", _directory);
            Directory.Delete(_directory, recursive: true);
        }

        private static string Run(params string[] arguments)
        {
            using Process process = Process.Start(new ProcessStartInfo(Script!, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : throw new InvalidOperationException($"kafka {string.Join(' ', arguments)} ended with {process.ExitCode}");
        }

        private static string? FindScript()
        {
            for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
            {
                if (File.Exists(Path.Combine(at.FullName, "presence.sln")))
                {
                    string script = Path.Combine(at.FullName, "..", "shared", "kafka", "kafka");
                    return File.Exists(script) ? Path.GetFullPath(script) : null;
                }
            }

            return null;
        }

        private static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

        // So many in a row: a broker and a controller each.
        private static int FreePort(int count)
        {
            while (true)
            {
                int port = Random.Shared.Next(20_000, 32_000);
                TcpListener[] listeners = [.. Enumerable.Range(port, count).Select(p => new TcpListener(IPAddress.Loopback, p))];
                try
                {
                    foreach (TcpListener listener in listeners)
                        listener.Start();
                    return port;
                }
                catch (SocketException)
                {
                    // Taken; others.
                }
                finally
                {
                    foreach (TcpListener listener in listeners)
                        listener.Dispose();
                }
            }
        }
    }
}
