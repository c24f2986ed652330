using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Presence.Core.Events;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using static Presence.Tests.Web.BoardRecords;
using TaskStatus = Presence.Core.Runtime.TaskStatus;

namespace Presence.Tests.Web;

[Parallelizable(ParallelScope.All)]
public sealed partial class WebTests
{
    private const string Centre = "/api/venues/cafe/centre";

    [Test]
    public async Task The_status_says_what_the_contract_promises()
    {
        await using WebFixture web = await WebFixture.Start();
        web.Status.Tasks =
        [
            new TaskStatus(new TaskId("walk-in", 1), "restoring", TaskState.Restoring, -1, null, -1, -1, null, 250, 750, 0, 0),
            new TaskStatus(new TaskId("walk-in", 0), "active", TaskState.Running, 1, "waits", 5, 1.5, Noon, 9, 0, 10, 100),
        ];
        JsonElement status = await web.Json("/api/status");

        Assert.That(status.GetProperty("instance").GetString(), Is.EqualTo("shop-1"));
        Assert.That(status.GetProperty("incarnation").GetString(), Is.EqualTo("0123"));
        Assert.That(status.GetProperty("state").GetString(), Is.EqualTo("running"));
        Assert.That(status.GetProperty("log").GetString(), Is.EqualTo("embedded log of a test"));
        Assert.That(status.GetProperty("version").GetString(), Does.Match(@"^\d+\.\d+"));
        Assert.That(status.GetProperty("uptimeSeconds").GetDouble(), Is.GreaterThanOrEqualTo(0));
        JsonElement active = status.GetProperty("tasks")[0];
        Assert.That(active.GetRawText(), Is.EqualTo("""{"id":"walk-in-0","stage":"walk-in","partition":0,"role":"active","state":"running","worker":1,"reason":"waits","lagRecords":5,"lagSeconds":1.5,"clock":1700049600000,"restore":{"restored":9,"remaining":0,"percent":100},"store":{"keys":10,"bytes":100}}"""));
        JsonElement restoring = status.GetProperty("tasks")[1];
        Assert.That(restoring.GetProperty("restore").GetProperty("percent").GetDouble(), Is.EqualTo(25));
        foreach (string unknown in new[] { "worker", "lagRecords", "lagSeconds", "clock" })
            Assert.That(restoring.GetProperty(unknown).ValueKind, Is.EqualTo(JsonValueKind.Null), unknown);
        JsonElement totals = status.GetProperty("totals");
        Assert.That(totals.GetProperty("tasks").GetInt32(), Is.EqualTo(2));
        Assert.That(totals.GetProperty("restoreRemaining").GetInt64(), Is.EqualTo(750));
        Assert.That(totals.GetProperty("lagRecords").GetInt64(), Is.EqualTo(5));
    }

    [Test]
    public async Task The_page_and_all_its_parts_are_served_and_come_from_here_alone()
    {
        await using WebFixture web = await WebFixture.Start();
        Queue<string> open = new(["/"]);
        HashSet<string> seen = ["/"];
        while (open.TryDequeue(out string? path))
        {
            using HttpResponseMessage response = await web.Client.GetAsync(path);
            string text = await response.Content.ReadAsStringAsync();
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), path);
            Assert.That(response.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }), path);
            // A name of XML's is no address: nothing is fetched from there.
            Assert.That(text.Replace("xmlns=\"http://www.w3.org/2000/svg\"", "", StringComparison.Ordinal), Does.Not.Match("(?i)(https?:)?//[a-z0-9]"), path);
            Assert.That(text, Does.Not.Match("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\("), path);
            foreach (Match part in Parts().Matches(text))
            {
                string next = "/" + part.Groups[1].Value;
                if (seen.Add(next))
                    open.Enqueue(next);
            }
        }

        Assert.That(seen, Is.SupersetOf(new[] { "/app.js", "/board.js", "/fleet.js", "/tasks.js", "/stream.js", "/dom.js", "/format.js", "/style.css", "/icon.svg" }));
    }

    [Test]
    public async Task The_page_allows_nothing_inline_and_nothing_from_elsewhere()
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpResponseMessage response = await web.Client.GetAsync("/");
        string policy = response.Headers.GetValues("Content-Security-Policy").Single();
        string page = await response.Content.ReadAsStringAsync();

        Assert.That(policy, Does.StartWith("default-src 'none'"));
        Assert.That(policy, Does.Not.Contain("unsafe").And.Not.Contain("*").And.Not.Contain("http"));
        Assert.That(policy, Does.Contain("frame-ancestors 'none'"));
        Assert.That(page, Does.Not.Match("(?i)<style|\\sstyle=|\\son[a-z]+=|<script>|javascript:"), "the policy would block it");
    }

    [Test]
    public async Task The_page_has_words_for_every_stage()
    {
        await using WebFixture web = await WebFixture.Start();
        string script = await web.Client.GetStringAsync("/tasks.js");
        foreach (StageDefinition stage in StageCatalog.Create(new TopicNames(), new(), [], new(), new(), ServiceNames.All.ToHashSet()))
            Assert.That(script, Does.Contain($"\"{stage.Name}\": \""));
    }

    [Test]
    public async Task A_part_that_has_not_changed_is_not_sent_again()
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpResponseMessage first = await web.Client.GetAsync("/app.js");
        using HttpRequestMessage again = new(HttpMethod.Get, "/app.js");
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using HttpResponseMessage second = await web.Client.SendAsync(again);

        Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.NotModified));
    }

    [Test]
    public async Task The_board_reads_what_the_pipeline_wrote_and_masks_persons_without_the_token()
    {
        await using WebFixture web = await WebFixture.Start();
        await web.Log.Write("walk-ins", "aa:bb:cc:dd:ee:ff", WalkIn("v1", "aa:bb:cc:dd:ee:ff", Noon));
        await web.Log.Write("enriched-walk-ins", "cafe|c1", Enriched("v1", "aa:bb:cc:dd:ee:ff", "c1", Noon));
        await web.Log.Write("walk-in-counts", "cafe|c1", Count("c1", 3, "v1", Noon));

        JsonElement masked = await web.JsonOnce(Centre, v => v.GetProperty("present").EnumerateArray().Any(p => p.GetProperty("kind").GetString() == "returning"));
        Assert.That(masked.GetProperty("masked").GetBoolean(), Is.True);
        Assert.That(masked.GetRawText(), Does.Not.Contain("example.org").And.Not.Contain("Lovelace").And.Not.Contain("aa:bb").And.Not.Contain("\"v1\"").And.Not.Contain("c1"));
        Assert.That(masked.GetProperty("present")[0].GetProperty("device").GetString(), Is.EqualTo("…ee:ff"));
        Assert.That(masked.GetProperty("present")[0].GetProperty("count").GetInt64(), Is.EqualTo(3));

        JsonElement whole = (await web.Json(Centre, WebFixture.Token)).GetProperty("present")[0];
        Assert.That(whole.GetProperty("device").GetString(), Is.EqualTo("aa:bb:cc:dd:ee:ff"));
        Assert.That(whole.GetProperty("email").GetString(), Is.EqualTo("c1@example.org"));
        Assert.That(whole.GetProperty("name").GetString(), Is.EqualTo("Ada Lovelace"));
        Assert.That((await web.Json(Centre, "wrong")).GetProperty("masked").GetBoolean(), Is.True);

        JsonElement venues = await web.JsonOnce("/api/venues", v => v.GetProperty("state").GetString() == "live");
        Assert.That(venues.GetProperty("venues")[0].GetProperty("present").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_venue_that_is_not_known_is_not_found()
    {
        await using WebFixture web = await WebFixture.Start();
        foreach (string path in new[] { "/api/venues/cafe/none", "/api/venues/cafe/none/events" })
        {
            using HttpResponseMessage response = await web.Client.GetAsync(path);
            Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), path);
        }
    }

    [Test]
    public async Task Ids_with_a_slash_or_markup_are_ids_like_any_other()
    {
        await using WebFixture web = await WebFixture.Start();
        web.Board.Apply(Host.Web.Board.BoardTopic.WalkIns, WalkIn("v1", "d1", Noon, "a/b%2F<b>"));
        JsonElement venue = await web.Json($"/api/venues/cafe/{Uri.EscapeDataString("a/b%2F<b>")}");
        Assert.That(venue.GetProperty("venue").GetString(), Is.EqualTo("a/b%2F<b>"));
        Assert.That(venue.GetRawText(), Does.Not.Contain("<b>"), "also where somebody takes it for a page");
    }

    [Test]
    public async Task Events_begin_with_a_snapshot_and_go_on_with_what_happens()
    {
        await using WebFixture web = await WebFixture.Start();
        web.Board.Apply(Host.Web.Board.BoardTopic.WalkIns, WalkIn("v1", "aa:bb:cc:dd:ee:ff", Noon));
        using StreamReader events = await Listen(web, null);
        (string name, JsonElement snapshot) = await Next(events);
        Assert.That(name, Is.EqualTo("snapshot"));
        Assert.That(snapshot.GetProperty("present")[0].GetProperty("device").GetString(), Is.EqualTo("…ee:ff"));

        web.Board.Apply(Host.Web.Board.BoardTopic.WalkIns, WalkIn("v2", "11:22:33:44:55:66", Noon + Minute));
        JsonElement walkIn = await Next(events, "walk-in");
        Assert.That(walkIn.GetProperty("visit").GetProperty("device").GetString(), Is.EqualTo("…55:66"));
        Assert.That((await Next(events, "totals")).GetProperty("totals").GetProperty("present").GetInt32(), Is.EqualTo(2));

        web.Board.Apply(Host.Web.Board.BoardTopic.VisitsEnded, Ended("v2", "11:22:33:44:55:66", Noon, Noon + (2 * Minute)));
        JsonElement ended = await Next(events, "ended");
        Assert.That(ended.GetProperty("visit").GetProperty("dwellSeconds").GetInt64(), Is.EqualTo(360));
    }

    [Test]
    public async Task Events_show_persons_to_those_with_the_token()
    {
        await using WebFixture web = await WebFixture.Start();
        web.Board.Apply(Host.Web.Board.BoardTopic.WalkIns, WalkIn("v1", "aa:bb:cc:dd:ee:ff", Noon));
        using StreamReader events = await Listen(web, WebFixture.Token);
        Assert.That((await Next(events)).Data.GetProperty("present")[0].GetProperty("device").GetString(), Is.EqualTo("aa:bb:cc:dd:ee:ff"));
    }

    [Test]
    public async Task A_listener_more_than_there_are_places_is_told_to_come_back()
    {
        await using WebFixture web = await WebFixture.Start(new() { Board = new() { ListenersMax = 1 } });
        web.Board.Apply(Host.Web.Board.BoardTopic.WalkIns, WalkIn("v1", "d1", Noon));
        using (StreamReader events = await Listen(web, null))
        {
            await Next(events);
            using HttpResponseMessage second = await web.Client.GetAsync(Centre + "/events");
            Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(second.Headers.RetryAfter, Is.Not.Null);
        }

        Assert.That(() => web.Board.Listen("cafe", "centre", out _), Is.Not.Null.After(20).Seconds.PollEvery(20).MilliSeconds, "its place is free once it has gone");
    }

    [Test]
    public async Task Listeners_do_not_hold_up_the_end_of_the_host()
    {
        await using WebFixture web = await WebFixture.Start();
        web.Board.Apply(Host.Web.Board.BoardTopic.WalkIns, WalkIn("v1", "d1", Noon));
        using StreamReader events = await Listen(web, null);
        await Next(events);
        long begin = Stopwatch.GetTimestamp();
        await web.StopAsync();
        Assert.That(Stopwatch.GetElapsedTime(begin), Is.LessThan(TimeSpan.FromSeconds(15)), "the host would wait 30 s for an open request");
    }

    private static async Task<StreamReader> Listen(WebFixture web, string? token)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, Centre + "/events");
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        HttpResponseMessage response = await web.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    private static async Task<JsonElement> Next(StreamReader events, string wanted)
    {
        while (true)
        {
            (string name, JsonElement data) = await Next(events);
            if (name == wanted)
                return data;
        }
    }

    private static async Task<(string Name, JsonElement Data)> Next(StreamReader events)
    {
        string? name = null;
        while (true)
        {
            string? line = await events.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20));
            Assert.That(line, Is.Not.Null, "the events ended");
            if (line!.StartsWith("event: ", StringComparison.Ordinal))
                name = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                return (name!, JsonDocument.Parse(line[6..]).RootElement);
        }
    }

    [GeneratedRegex("(?:src|href|from) ?=? ?\"(?:\\./)?([a-z]+\\.(?:js|css|svg))\"")]
    private static partial Regex Parts();
}
