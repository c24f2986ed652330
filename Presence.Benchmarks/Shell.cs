using System.Diagnostics;

namespace Presence.Benchmarks;

/// <summary>Runs programs, each bounded in time.</summary>
internal static class Shell
{
    private static readonly TimeSpan CleanUpLimit = TimeSpan.FromSeconds(20);

    /// <summary>Runs to the end and returns stdout. Throws when it fails or takes too long (it is then ended, with its children).</summary>
    public static async Task<string> Run(string file, IEnumerable<string> arguments, TimeSpan limit, IReadOnlyDictionary<string, string>? environment = null, CancellationToken cancellation = default)
    {
        ProcessStartInfo start = new(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(limit);
        // A broker started in the background inherits the pipes: only the exit counts, then what has come so far.
        System.Text.StringBuilder output = new(), errors = new();
        process.OutputDataReceived += (_, e) => Append(output, e.Data);
        process.ErrorDataReceived += (_, e) => Append(errors, e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            while (!process.HasExited)
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, timeout.Token);
        }
        catch (OperationCanceledException)
        {
            // SIGTERM first: a script then ends and removes what it started.
            await Run("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(5), null, CancellationToken.None);
            await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(CleanUpLimit, TimeProvider.System, CancellationToken.None));
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            cancellation.ThrowIfCancellationRequested();
            throw new TimeoutException($"{file} did not end within {limit.TotalSeconds:0} s.");
        }

        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellation);
        string text, error;
        lock (output)
            text = output.ToString();
        lock (errors)
            error = errors.ToString();
        return process.ExitCode == 0 ? text : throw new InvalidOperationException($"{file} failed ({process.ExitCode}): {error}{text}");
    }

    private static void Append(System.Text.StringBuilder to, string? line)
    {
        if (line is null)
            return;
        lock (to)
            to.AppendLine(line);
    }
}
