using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Host.Configuration;
using Presence.Host.Embedded;
using Presence.Host.Ingest;
using Presence.Host.Web;
using Presence.Host.Web.Access;
using Presence.Host.Web.Board;
using Presence.Host.Web.Status;
using TaskStatus = Presence.Core.Runtime.TaskStatus;

namespace Presence.Tests.Web;

/// <summary>Page, API and ingest on a free loopback port, over an embedded log of their own.</summary>
internal sealed class WebFixture : IAsyncDisposable
{
    public const string Token = "a-token-of-the-tests";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("presence-web-");
    private readonly WebApplication _app;

    private WebFixture(WebFixtureOptions options)
    {
        Log = new WrittenLog(new EmbeddedLog(_directory.FullName, TimeProvider.System, sync: false));
        if (options.CreateTopics)
            CreateTopics().GetAwaiter().GetResult();
        Status = new SetStatus();

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<ILog>(Log);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new TopicNames());
        builder.Services.AddSingleton(new CallerAccess(new IngestOptions { Token = options.Token }));
        builder.Services.AddSingleton(options.Limits);
        builder.Services.AddSingleton(options.Board);
        builder.Services.AddSingleton<IStatusSource>(Status);
        builder.Services.AddPresenceWeb();
        _app = builder.Build();
        // Takes the place of a caller's connection from elsewhere.
        _app.Use((context, next) =>
        {
            context.Connection.RemoteIpAddress = RemoteAddress;
            return next(context);
        });
        _app.MapPresenceWeb();
        _app.MapPresenceIngest();
    }

    public WrittenLog Log { get; }

    public SetStatus Status { get; }

    public IPAddress? RemoteAddress { get; set; } = IPAddress.Loopback;

    public HttpClient Client { get; private set; } = new();

    public Board Board => _app.Services.GetRequiredService<Board>();

    public static async Task<WebFixture> Start(WebFixtureOptions? options = null)
    {
        WebFixture fixture = new(options ?? new());
        await fixture._app.StartAsync();
        fixture.Client.BaseAddress = new Uri(fixture._app.Urls.First());
        fixture.Client.Timeout = TimeSpan.FromSeconds(30);
        return fixture;
    }

    public Task CreateTopics() => Log.CreateTopics(TopicCatalog.Public(new TopicNames(), 2, null), CancellationToken.None);

    public Task<HttpResponseMessage> Post(string path, string body, string? token = null, params (string Name, string Value)[] headers)
    {
        HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return Client.SendAsync(request);
    }

    public async Task<JsonElement> Json(string path, string? token = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage response = await Client.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), path);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }

    /// <summary>Asks until the answer is what is waited for; fails after 20 s.</summary>
    public async Task<JsonElement> JsonOnce(string path, Func<JsonElement, bool> condition)
    {
        DateTimeOffset end = TimeProvider.System.GetUtcNow().AddSeconds(20);
        while (true)
        {
            using HttpResponseMessage response = await Client.GetAsync(path);
            string text = await response.Content.ReadAsStringAsync();
            JsonElement json = JsonDocument.Parse(text).RootElement;
            if (response.IsSuccessStatusCode && condition(json))
                return json;
            Assert.That(TimeProvider.System.GetUtcNow(), Is.LessThan(end), $"{path} still answers {text}");
            // The board reads on a thread of its own: there is nothing to wait on but its answer.
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        Log.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>Says what a test set.</summary>
    internal sealed class SetStatus : IStatusSource
    {
        public IReadOnlyList<TaskStatus> Tasks { get; set; } = [];

        public InstanceState State { get; set; } = InstanceState.Running;

        public string? Reason { get; set; }

        public string LogDescription => "embedded log of a test";

        public InstanceStatus Status() => new("shop-1", "0123", State, Reason, Tasks, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    }
}
