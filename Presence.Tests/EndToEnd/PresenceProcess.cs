using System.Collections.Concurrent;
using System.Diagnostics;

namespace Presence.Tests.EndToEnd;

/// <summary>A real Presence process over a state directory that outlives it.</summary>
internal sealed class PresenceProcess : IDisposable
{
    private readonly Process _process;

    private PresenceProcess(Process process) => _process = process;

    /// <summary>Lines of its log so far.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    public bool HasExited => _process.HasExited;

    public static PresenceProcess Start(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "presence.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        PresenceProcess presence = new(Process.Start(start)!);
        presence._process.OutputDataReceived += (_, e) => presence.Take(e.Data);
        presence._process.ErrorDataReceived += (_, e) => presence.Take(e.Data);
        presence._process.BeginOutputReadLine();
        presence._process.BeginErrorReadLine();
        return presence;
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Sends a signal by name, as <c>TERM</c>.</summary>
    public void Signal(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>SIGTERM; returns the exit code.</summary>
    public int Stop()
    {
        Signal("TERM");
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30)))
            throw new TimeoutException("Presence did not stop within 30 s of SIGTERM");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Waits until it has ended by itself; returns the exit code.</summary>
    public int WaitForExit(TimeSpan limit) =>
        _process.WaitForExit(limit) ? _process.ExitCode : throw new TimeoutException($"Presence did not end within {limit}");

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is not null)
            Log.Enqueue(line);
    }
}
