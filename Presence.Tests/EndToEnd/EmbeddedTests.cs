using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Presence.Tests.Definition;

namespace Presence.Tests.EndToEnd;

/// <summary>The whole pipeline as its own process on the embedded log, fed by HTTP. Not in parallel: each wants the machine.</summary>
[Category("Chaos")]
[NonParallelizable]
internal sealed class EmbeddedTests
{
    private const int LinesPerRequest = 1_000;

    private string _state = "";

    [SetUp]
    public void MakeStateDirectory() => _state = Directory.CreateTempSubdirectory("presence-state-").FullName;

    [TearDown]
    public void DeleteStateDirectory() => Directory.Delete(_state, recursive: true);

    [Test]
    public async Task Killed_again_and_again_the_embedded_log_keeps_what_it_acknowledged_and_doubles_nothing()
    {
        const int kills = 8;
        Random random = new(11);
        Scenario scenario = Scenario.CreateEmbedded(_state, records: 60_000, seed: 11);
        Uri address = FreeAddress();
        string[] arguments = scenario.Arguments(_state, "--Presence:HttpUrl", address.ToString());
        using HttpClient client = new() { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };
        using CancellationTokenSource over = new(TimeSpan.FromMinutes(3));
        Task load = Load(scenario, client, over.Token);
        for (int i = 0; i < kills; i++)
        {
            using PresenceProcess presence = PresenceProcess.Start(arguments);
            await Task.Delay(TimeSpan.FromMilliseconds(1_500 + random.Next(2_000)), TimeProvider.System);
            Assert.That(presence.HasExited, Is.False, string.Join('\n', presence.Log));
            presence.Kill();
        }

        using PresenceProcess last = PresenceProcess.Start(arguments);
        await load;
        await WaitUntilWorkedOff(client, over.Token);
        Assert.That(last.Stop(), Is.Zero, string.Join('\n', last.Log));
        Assert.That(last.Log.Where(l => l.Contains("is refused and rebuilt", StringComparison.Ordinal)), Is.Empty, "state goes on from disk");
        // What was sent and not acknowledged is sent again, so the same sighting may be there twice and out of order.
        Verdict.AssertExact(scenario, ordered: false);
    }

    [Test]
    public void A_stop_while_it_starts_is_clean()
    {
        Scenario scenario = Scenario.CreateEmbedded(_state, records: 1, seed: 1);
        for (int i = 0; i < 6; i++)
        {
            using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state, "--Presence:HttpUrl", FreeAddress().ToString()));
            Assert.That(SpinWait.SpinUntil(() => !presence.Log.IsEmpty, TimeSpan.FromSeconds(30)), "it says something");
            Thread.Sleep(i * 20);
            Assert.That(presence.Stop(), Is.Zero, $"{i * 20} ms after its first word: {string.Join('\n', presence.Log)}");
        }
    }

    [Test]
    public async Task A_request_whose_body_does_not_end_keeps_no_instance_from_ending()
    {
        Scenario scenario = Scenario.CreateEmbedded(_state, records: 1, seed: 1);
        Uri address = FreeAddress();
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state, "--Presence:HttpUrl", address.ToString()));
        using HttpClient client = new() { BaseAddress = address };
        using CancellationTokenSource over = new(TimeSpan.FromMinutes(1));
        await WaitUntilWorkedOff(client, over.Token);
        using TcpClient caller = new();
        await caller.ConnectAsync(address.Host, address.Port, over.Token);
        NetworkStream stream = caller.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /ingest/probes HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Length: 1000\r\n\r\n{{"), over.Token);
        await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, over.Token);

        presence.Signal("TERM");
        Assert.That(presence.WaitForExit(TimeSpan.FromSeconds(8)), Is.Zero, string.Join('\n', presence.Log));
        using StreamReader answer = new(stream);
        Assert.That(await answer.ReadLineAsync(over.Token), Does.Contain("503"));
    }

    // One request after the other, each until it is acknowledged.
    private static async Task Load(Scenario scenario, HttpClient client, CancellationToken cancellation)
    {
        HashSet<string> known = [];
        foreach (Sighting[] batch in scenario.Probes.Concat(scenario.Logins).OrderBy(s => s.At).Chunk(LinesPerRequest))
        {
            await Post(client, "/ingest/crm-contacts", batch.Where(s => s.IsLogin && known.Add(s.Device)).Select(Scenario.ContactLine), cancellation);
            await Post(client, "/ingest/crm-logins", batch.Where(s => s.IsLogin).Select(Scenario.LoginLine), cancellation);
            await Post(client, "/ingest/probes", batch.Where(s => !s.IsLogin).Select(Scenario.ProbeLine), cancellation);
            await Task.Delay(TimeSpan.FromMilliseconds(350), TimeProvider.System, cancellation);
        }
    }

    private static async Task Post(HttpClient client, string path, IEnumerable<string> lines, CancellationToken cancellation)
    {
        string body = string.Join('\n', lines);
        while (body.Length > 0)
        {
            try
            {
                using StringContent content = new(body, Encoding.UTF8, "application/x-ndjson");
                using HttpResponseMessage response = await client.PostAsync(new Uri(path, UriKind.Relative), content, cancellation);
                if (response.IsSuccessStatusCode)
                    return;
                Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable), await response.Content.ReadAsStringAsync(cancellation));
            }
            catch (HttpRequestException)
            {
                // Killed, or not up again yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellation);
        }
    }

    private static async Task WaitUntilWorkedOff(HttpClient client, CancellationToken cancellation)
    {
        for (int quiet = 0; quiet < 10; await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellation))
        {
            bool done = false;
            try
            {
                JsonNode totals = JsonNode.Parse(await client.GetStringAsync(new Uri("/api/status", UriKind.Relative), cancellation))!["totals"]!;
                done = (int)totals["tasks"]! > 0 && (int)totals["running"]! == (int)totals["tasks"]! && (long?)totals["lagRecords"] == 0;
            }
            catch (HttpRequestException)
            {
                // Not up yet.
            }

            quiet = done ? quiet + 1 : 0;
        }
    }

    private static Uri FreeAddress()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }
}
