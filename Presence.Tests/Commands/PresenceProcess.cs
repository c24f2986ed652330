using System.Diagnostics;

namespace Presence.Tests.Commands;

/// <summary>The built executable, run as scripts run it, in a directory of its own.</summary>
internal static class PresenceProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task<(int ExitCode, string Stdout, string Stderr)> Run(string directory, params string[] arguments)
    {
        using Process process = Start(directory, arguments);
        process.StandardInput.Close();
        using CancellationTokenSource limit = new(Limit);
        try
        {
            Task<string> stdout = process.StandardOutput.ReadToEndAsync(limit.Token), stderr = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await stdout, await stderr);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    public static Process Start(string directory, params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "presence.dll");
        ProcessStartInfo start = new("dotnet", [program, .. arguments])
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string name in start.Environment.Keys.Where(k => k.StartsWith("Presence__", StringComparison.OrdinalIgnoreCase) || k.StartsWith("Kafka__", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        return Process.Start(start)!;
    }
}
