using System.Diagnostics;

namespace Presence.Benchmarks;

/// <summary>Runs programs, each bounded in time.</summary>
internal static class Shell
{
    /// <summary>Runs to the end and returns stdout. Throws when it fails or takes too long (it is then killed with its children).</summary>
    public static async Task<string> Run(string file, IEnumerable<string> arguments, TimeSpan limit, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using CancellationTokenSource timeout = new(limit);
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
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} did not end within {limit.TotalSeconds:0} s.");
        }

        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
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
