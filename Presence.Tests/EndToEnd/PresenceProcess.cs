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

    public static PresenceProcess Start(params string[] arguments) => Start(new ProcessStartInfo("dotnet"), arguments);

    /// <summary>In a namespace of its own with that host name, as a container has it; the test is skipped where that cannot be had.</summary>
    public static PresenceProcess StartOnHost(string hostName, params string[] arguments)
    {
        using (Process probe = Process.Start(new ProcessStartInfo("unshare", ["--uts", "true"]) { RedirectStandardError = true })!)
        {
            probe.WaitForExit();
            if (probe.ExitCode != 0)
                Assert.Ignore("No host name of its own can be given to a process here (it takes root): a new host name was not tried.");
        }

        return Start(new ProcessStartInfo("unshare", ["--uts", "sh", "-c", "hostname \"$0\" && exec dotnet \"$@\"", hostName]), arguments);
    }

    private static PresenceProcess Start(ProcessStartInfo start, string[] arguments)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
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

    /// <summary>The incarnations that have begun, the present one last.</summary>
    public List<string> Incarnations() =>
        [.. Log.Select(l => System.Text.RegularExpressions.Regex.Match(l, "\"Incarnation ([0-9a-f]+) of instance [^\"]* begins")).Where(m => m.Success).Select(m => m.Groups[1].Value)];

    /// <summary>Waits until a line with the words has come; false when none comes in time.</summary>
    public Task<bool> WaitForLog(string words, TimeSpan limit) => WaitFor(() => Log.Any(l => l.Contains(words, StringComparison.Ordinal)), limit);

    /// <summary>Waits until that many incarnations have begun; false when they do not in time.</summary>
    public Task<bool> WaitForIncarnations(int count, TimeSpan limit) => WaitFor(() => Incarnations().Count >= count, limit);

    private static async Task<bool> WaitFor(Func<bool> condition, TimeSpan limit)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < limit; await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System))
        {
            if (condition())
                return true;
        }

        return false;
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
            throw new TimeoutException($"Presence did not stop within 30 s of SIGTERM:\n{string.Join('\n', Log.TakeLast(60))}");
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
