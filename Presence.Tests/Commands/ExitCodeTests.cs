using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Presence.Tests.Telemetry;

namespace Presence.Tests.Commands;

[TestFixture, Parallelizable(ParallelScope.Self)]
public sealed class ExitCodeTests
{
    private string _directory = "";

    [SetUp]
    public void CreateDirectory() => _directory = Directory.CreateTempSubdirectory("presence-verbs-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public async Task A_configuration_with_errors_ends_with_2_and_all_of_them_on_stderr()
    {
        var (code, stdout, stderr) = await PresenceProcess.Run(_directory, "run", "--Presence:Workrs", "2", "--Presence:CommitInterval=soon", "--Presence:ApplicationId=a/b");

        Assert.That(code, Is.EqualTo(2));
        Assert.That(stdout, Is.Empty);
        Assert.That(stderr, Does.Contain("Presence:Workers?").And.Contain("'soon'").And.Contain("'a/b'"));
    }

    [Test]
    public async Task A_mistyped_option_ends_with_2_and_names_the_nearest()
    {
        var (code, _, stderr) = await PresenceProcess.Run(_directory, "health", "--redy");

        Assert.That(code, Is.EqualTo(2));
        Assert.That(stderr, Does.Contain("--ready?"));
    }

    [Test]
    public async Task A_mistyped_verb_ends_with_2_and_names_the_nearest()
    {
        var (code, _, stderr) = await PresenceProcess.Run(_directory, "chek-config");

        Assert.That(code, Is.EqualTo(2));
        Assert.That(stderr, Does.Contain("check-config?"));
    }

    [Test]
    public async Task The_health_of_nobody_is_1()
    {
        var (code, _, stderr) = await PresenceProcess.Run(_directory, "health", $"--Presence:HttpUrl=http://127.0.0.1:{FreePort()}");

        Assert.That(code, Is.EqualTo(1));
        Assert.That(stderr, Does.Contain("does not answer"));
    }

    [Test]
    public async Task Topics_are_not_created_where_nobody_can_be_asked()
    {
        var (code, _, stderr) = await PresenceProcess.Run(_directory, "topics", "create");

        Assert.That(code, Is.EqualTo(3));
        Assert.That(stderr, Does.Contain("--yes"));
    }

    [Test]
    public async Task Topics_that_cannot_be_joined_are_shown_as_a_problem()
    {
        await PresenceProcess.Run(_directory, "topics", "create", "--yes");
        await PresenceProcess.Run(_directory, "topics", "create", "--yes", "--Presence:Topics:DeviceLogins=odd", "--Presence:Topics:Partitions=2");

        var (good, goodOut, _) = await PresenceProcess.Run(_directory, "topics", "show");
        var (bad, badOut, _) = await PresenceProcess.Run(_directory, "topics", "show", "--Presence:Topics:DeviceLogins=odd");

        Assert.That((good, bad), Is.EqualTo((0, 0)));
        Assert.That(goodOut, Does.Contain("presence-walk-in-changelog").And.Not.Contain("Problem"));
        Assert.That(badOut, Does.Contain("Problem: walk-in joins its topics by key").And.Contain("odd 2"));
    }

    [Test]
    public async Task The_effective_configuration_shows_sources_but_no_secrets()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "appsettings.json"), "{ /* a comment */ \"Presence\": { \"StandbyReplicas\": 2, \"Ingest\": { \"Token\": \"hunter2\" } } }");

        var (code, stdout, stderr) = await PresenceProcess.Run(_directory, "check-config", "--output", "json", "--Presence:Workers", "3", "--Kafka:Client:sasl.password=hunter3");

        Assert.That(code, Is.Zero);
        Assert.That(stdout + stderr, Does.Not.Contain("hunter"));
        Dictionary<string, string> sources = JsonDocument.Parse(stdout).RootElement.EnumerateArray()
            .ToDictionary(e => e.GetProperty("key").GetString()!, e => $"{e.GetProperty("value").GetString()} from {e.GetProperty("source").GetString()}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sources["Presence:StandbyReplicas"], Is.EqualTo("2 from appsettings.json"));
            Assert.That(sources["Presence:Workers"], Is.EqualTo("3 from command line"));
            Assert.That(sources["Presence:WalkIn:EntryRssi"], Is.EqualTo("-65 from default"));
        }
    }

    [Test]
    public async Task A_running_instance_answers_and_a_signal_ends_it_with_0([Values("TERM", "INT")] string signal)
    {
        string url = $"http://127.0.0.1:{FreePort()}";
        using Process process = PresenceProcess.Start(_directory, "run", $"--Presence:HttpUrl={url}");
        try
        {
            Task<string> stdout = process.StandardOutput.ReadToEndAsync();
            Task<string> stderr = process.StandardError.ReadToEndAsync();
            using HttpClient client = new() { BaseAddress = new Uri(url) };
            await Ready(client, process);
            PrometheusText.Check(await Committed(client, process));
            var (health, answer, _) = await PresenceProcess.Run(_directory, "health", "--ready", $"--Presence:HttpUrl={url}");
            Assert.That((health, answer), Is.EqualTo((0, "{\"status\":\"ok\"}\n")));

            using (Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]))
                await kill.WaitForExitAsync();
            await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(40)).Token);

            Assert.That(process.ExitCode, Is.Zero, await stderr + await stdout);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    // Another process: nothing but asking again tells when it is ready.
    private static async Task Ready(HttpClient client, Process process)
    {
        for (int i = 0; i < 600; i++)
        {
            Assert.That(process.HasExited, Is.False, "It ended before it was ready.");
            try
            {
                using HttpResponseMessage answer = await client.GetAsync("/health/ready");
                if (answer.StatusCode == HttpStatusCode.OK)
                    return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        Assert.Fail("Not ready within 60 s.");
    }

    // Ready is what has taken its tasks over; its first commit comes a moment later, on a busy machine at least.
    private static async Task<string> Committed(HttpClient client, Process process)
    {
        for (int i = 0; i < 600 && !process.HasExited; i++)
        {
            string metrics = await client.GetStringAsync("/metrics");
            if (metrics.Contains("presence_commits_total", StringComparison.Ordinal))
                return metrics;
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        throw new AssertionException("Nothing was committed within 60 s.");
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
