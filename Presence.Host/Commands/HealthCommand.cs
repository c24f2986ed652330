using System.CommandLine;
using Presence.Host.Configuration;

namespace Presence.Host.Commands;

/// <summary><c>health</c>: asks the instance on this machine.</summary>
internal static class HealthCommand
{
    public static Command Create()
    {
        Option<bool> ready = new("--ready") { Description = "Ask whether all tasks run, not only whether the instance lives" };
        Command command = new("health", "Asks the local instance; exit code 0 when it lives (or is ready), else 1.") { ready };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction((parsed, cancellation) => Run(parsed, parsed.GetValue(ready), cancellation));
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, bool ready, CancellationToken cancellation)
    {
        Settings? settings = CommandContext.Load(parsed);
        if (settings is null)
            return ExitCodes.Usage;
        if (settings.Presence.HttpUrl.Length == 0)
        {
            Console.Error.WriteLine("Presence:HttpUrl is empty, so the instance cannot be asked. Set it, or ask the process supervisor.");
            return ExitCodes.Usage;
        }

        // An instance that listens on every address is asked over loopback.
        Uri configured = new(settings.Presence.HttpUrl.Replace("//+", "//0.0.0.0", StringComparison.Ordinal).Replace("//*", "//0.0.0.0", StringComparison.Ordinal));
        string host = configured.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : configured.Host;
        Uri url = new($"{configured.Scheme}://{host}:{configured.Port}/health/{(ready ? "ready" : "live")}");
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using HttpResponseMessage answer = await client.GetAsync(url, cancellation);
            Console.Out.WriteLine(await answer.Content.ReadAsStringAsync(cancellation));
            return answer.IsSuccessStatusCode ? ExitCodes.Done : ExitCodes.Failed;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            Console.Error.WriteLine($"{url} does not answer: {e.Message}");
            return ExitCodes.Failed;
        }
    }
}
