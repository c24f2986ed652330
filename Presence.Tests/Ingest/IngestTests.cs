using System.Net;
using System.Text.Json;
using Presence.Core.Log;
using Presence.Host.Ingest;
using Presence.Tests.Web;

namespace Presence.Tests.Ingest;

[Parallelizable(ParallelScope.All)]
public sealed class IngestTests
{
    private const string Probe = """{"device":"d1","business":"cafe","venue":"centre","ap":"a","rssi":-50,"at":1700000000000}""";
    private const string Login = """{"contact":"c1","device":"d1","business":"cafe","venue":"centre","at":1700000000000}""";
    private const string Contact = """{"contact":"c1","email":"a@example.org","at":1700000000000}""";

    [Test]
    public async Task Every_line_is_a_record_under_its_own_key()
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpResponseMessage probes = await web.Post("/ingest/probes", $"{Probe}\r\n\n{Probe.Replace("d1", "d2", StringComparison.Ordinal)}");
        using HttpResponseMessage logins = await web.Post("/ingest/crm-logins", Login);
        using HttpResponseMessage contacts = await web.Post("/ingest/crm-contacts", Contact + "\n");

        Assert.That(await probes.Content.ReadAsStringAsync(), Is.EqualTo("""{"accepted":2}"""));
        Assert.That(logins.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(contacts.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await web.Log.Read("probes"), Is.EquivalentTo(new (string, string?)[] { ("d1", Probe), ("d2", Probe.Replace("d1", "d2", StringComparison.Ordinal)) }));
        Assert.That(await web.Log.Read("crm-logins"), Is.EqualTo(new (string, string?)[] { ("c1", Login) }));
        Assert.That(await web.Log.Read("crm-contacts"), Is.EqualTo(new (string, string?)[] { ("c1", Contact) }));
    }

    [Test]
    public async Task A_deleted_contact_becomes_a_null_value()
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpResponseMessage response = await web.Post("/ingest/crm-contacts", """{"contact":"c1","deleted":true}""" + "\n" + Contact.Replace("}", ""","deleted":false}""", StringComparison.Ordinal));

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        List<(string Key, string? Value)> records = await web.Log.Read("crm-contacts");
        Assert.That(records.Select(r => r.Key), Is.EqualTo(new[] { "c1", "c1" }));
        Assert.That(records[0].Value, Is.Null);
        Assert.That(records[1].Value, Does.Contain("a@example.org"));
    }

    [Test]
    public async Task One_bad_line_and_none_is_taken()
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpResponseMessage response = await web.Post("/ingest/probes", $"{Probe}\n\n{Probe.Replace("-50", "5", StringComparison.Ordinal)}\nnonsense\n{Probe}");

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.That(answer.GetProperty("badLines").GetInt32(), Is.EqualTo(2));
        JsonElement first = answer.GetProperty("lines")[0];
        Assert.That(first.GetProperty("line").GetInt32(), Is.EqualTo(3), "blank lines have numbers too");
        Assert.That(first.GetProperty("field").GetString(), Is.EqualTo("rssi"));
        Assert.That(first.GetProperty("breach").GetString(), Is.EqualTo("number_out_of_range"));
        Assert.That(first.GetProperty("allowed").GetString(), Does.Contain("-127 to 0"));
        Assert.That(answer.GetProperty("lines")[1].GetProperty("line").GetInt32(), Is.EqualTo(4));
        Assert.That(await web.Log.Read("probes"), Is.Empty);
    }

    [TestCase("/ingest/probes", """{"business":"cafe","venue":"centre","ap":"a","rssi":-50,"at":1700000000000}""", "device", "missing_field")]
    [TestCase("/ingest/probes", """{"device":"a b","business":"cafe","venue":"centre","ap":"a","rssi":-50,"at":1700000000000}""", "device", "bad_id")]
    [TestCase("/ingest/probes", """{"device":"d","business":"cafe","venue":"centre","ap":"a","rssi":-50,"at":17}""", "at", "time_out_of_range")]
    [TestCase("/ingest/probes", """{"device":7,"business":"cafe","venue":"centre","ap":"a","rssi":-50,"at":1700000000000}""", "device", "mistyped_field")]
    [TestCase("/ingest/probes", """["device"]""", null, "not_json")]
    [TestCase("/ingest/crm-logins", """{"contact":"c","business":"cafe","venue":"centre","at":1700000000000}""", "device", "missing_field")]
    [TestCase("/ingest/crm-contacts", """{"contact":"c","at":1700000000000}""", "email", "missing_field")]
    [TestCase("/ingest/crm-contacts", """{"deleted":true}""", "contact", "missing_field")]
    [TestCase("/ingest/crm-contacts", """{"contact":"c","deleted":"yes"}""", "deleted", "mistyped_field")]
    public async Task A_bad_line_is_told_what_is_wrong_and_what_is_right(string path, string line, string? field, string breach)
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpResponseMessage response = await web.Post(path, line);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        JsonElement bad = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("lines")[0];
        Assert.That(bad.GetProperty("field").GetString(), Is.EqualTo(field));
        Assert.That(bad.GetProperty("breach").GetString(), Is.EqualTo(breach));
        Assert.That(bad.GetProperty("allowed").GetString(), Is.Not.Empty);
    }

    [Test]
    public async Task Many_bad_lines_are_all_counted_and_only_the_first_named()
    {
        await using WebFixture web = await WebFixture.Start(new() { Limits = new() { NamedLinesMax = 3 } });
        using HttpResponseMessage response = await web.Post("/ingest/probes", string.Join('\n', Enumerable.Repeat("{}", 10)));

        JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.That(answer.GetProperty("badLines").GetInt32(), Is.EqualTo(10));
        Assert.That(answer.GetProperty("lines").GetArrayLength(), Is.EqualTo(3));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_body_above_the_bound_is_refused_whether_it_says_its_length_or_not(bool chunked)
    {
        await using WebFixture web = await WebFixture.Start(new() { Limits = new() { BodyBytesMax = 1000 } });
        async Task<HttpStatusCode> Send(int bytes)
        {
            using HttpRequestMessage request = new(HttpMethod.Post, "/ingest/probes") { Content = new StringContent(Probe + new string('\n', bytes - Probe.Length)) };
            request.Headers.TransferEncodingChunked = chunked;
            using HttpResponseMessage response = await web.Client.SendAsync(request);
            return response.StatusCode;
        }

        Assert.That(await Send(1001), Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
        Assert.That(await Send(1000), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await web.Log.Read("probes"), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_line_above_the_bound_is_a_bad_line()
    {
        await using WebFixture web = await WebFixture.Start(new() { Limits = new() { LineBytesMax = 100 } });
        using HttpResponseMessage response = await web.Post("/ingest/probes", Probe.Replace("\"a\"", $"\"{new string('a', 100)}\"", StringComparison.Ordinal));

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(await response.Content.ReadAsStringAsync(), Does.Contain("line_too_long"));
    }

    [TestCase("192.0.2.7", null, HttpStatusCode.Unauthorized)]
    [TestCase("192.0.2.7", "wrong", HttpStatusCode.Unauthorized)]
    [TestCase("192.0.2.7", "", HttpStatusCode.Unauthorized)]
    [TestCase("192.0.2.7", WebFixture.Token, HttpStatusCode.OK)]
    [TestCase("127.0.0.1", null, HttpStatusCode.OK)]
    [TestCase("127.8.9.1", null, HttpStatusCode.OK)]
    [TestCase("::1", null, HttpStatusCode.OK)]
    [TestCase("::ffff:127.0.0.1", null, HttpStatusCode.OK)]
    [TestCase("::ffff:192.0.2.7", null, HttpStatusCode.Unauthorized)]
    [TestCase(null, null, HttpStatusCode.Unauthorized)]
    public async Task Writing_takes_this_machine_or_the_token(string? address, string? token, HttpStatusCode expected)
    {
        await using WebFixture web = await WebFixture.Start();
        web.RemoteAddress = address is null ? null : IPAddress.Parse(address);
        using HttpResponseMessage response = await web.Post("/ingest/probes", Probe, token);

        Assert.That(response.StatusCode, Is.EqualTo(expected));
        Assert.That(response.Headers.WwwAuthenticate.Count, Is.EqualTo(expected == HttpStatusCode.Unauthorized ? 1 : 0));
        Assert.That(await web.Log.Read("probes"), Has.Count.EqualTo(expected == HttpStatusCode.OK ? 1 : 0));
    }

    [TestCase("X-Forwarded-For", "127.0.0.1")]
    [TestCase("Forwarded", "for=127.0.0.1")]
    [TestCase("Via", "1.1 proxy")]
    [TestCase("Origin", "http://elsewhere.example")]
    [TestCase("Sec-Fetch-Site", "cross-site")]
    public async Task What_a_proxy_or_a_browser_sends_is_not_of_this_machine(string header, string value)
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpResponseMessage without = await web.Post("/ingest/probes", Probe, null, (header, value));
        using HttpResponseMessage with = await web.Post("/ingest/probes", Probe, WebFixture.Token, (header, value));

        Assert.That(without.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(with.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_forwarded_address_never_widens_what_a_caller_may()
    {
        await using WebFixture web = await WebFixture.Start();
        web.RemoteAddress = IPAddress.Parse("192.0.2.7");
        using HttpResponseMessage response = await web.Post("/ingest/probes", Probe, null, ("X-Forwarded-For", "127.0.0.1"));

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Without_a_configured_token_no_token_helps()
    {
        await using WebFixture web = await WebFixture.Start(new() { Token = "" });
        web.RemoteAddress = IPAddress.Parse("192.0.2.7");
        using HttpResponseMessage empty = await web.Post("/ingest/probes", Probe, null, ("Authorization", "Bearer "));
        using HttpResponseMessage any = await web.Post("/ingest/probes", Probe, "any");

        Assert.That(empty.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(any.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await any.Content.ReadAsStringAsync(), Does.Contain("Presence:Ingest:Token"));
    }

    [Test]
    public async Task More_requests_than_places_are_told_to_come_back()
    {
        await using WebFixture web = await WebFixture.Start(new() { Limits = new() { ConcurrentRequestsMax = 1 } });
        TaskCompletionSource hold = new(TaskCreationOptions.RunContinuationsAsynchronously);
        web.Log.Hold = hold.Task;
        Task<HttpResponseMessage> first = web.Post("/ingest/probes", Probe);
        await web.Log.Held.Task.WaitAsync(TimeSpan.FromSeconds(20));
        using HttpResponseMessage second = await web.Post("/ingest/probes", Probe);
        hold.SetResult();
        using HttpResponseMessage done = await first;
        using HttpResponseMessage third = await web.Post("/ingest/probes", Probe);

        Assert.That(second.StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests));
        Assert.That(second.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)));
        Assert.That(done.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(third.StatusCode, Is.EqualTo(HttpStatusCode.OK), "the place is free again");
    }

    [Test]
    public async Task A_log_that_does_not_take_the_records_is_said_so()
    {
        await using WebFixture web = await WebFixture.Start();
        web.Log.Failure = new LogException("broker secret-host:9092 is down");
        using HttpResponseMessage response = await web.Post("/ingest/probes", Probe);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(response.Headers.RetryAfter, Is.Not.Null);
        Assert.That(await response.Content.ReadAsStringAsync(), Does.Not.Contain("secret-host"), "the reason is for the process's log");
    }

    [Test]
    public async Task A_log_that_does_not_answer_is_not_waited_for_without_end()
    {
        await using WebFixture web = await WebFixture.Start(new() { Limits = new() { LogTimeout = TimeSpan.FromMilliseconds(50) } });
        web.Log.Hold = new TaskCompletionSource().Task;
        using HttpResponseMessage response = await web.Post("/ingest/probes", Probe);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
    }

    [Test]
    public async Task A_compressed_body_is_not_guessed_at()
    {
        await using WebFixture web = await WebFixture.Start();
        using HttpRequestMessage request = new(HttpMethod.Post, "/ingest/probes") { Content = new StringContent(Probe) };
        request.Content.Headers.ContentEncoding.Add("gzip");
        using HttpResponseMessage response = await web.Client.SendAsync(request);

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
    }
}
