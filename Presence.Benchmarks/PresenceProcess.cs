using System.Diagnostics;
using System.Globalization;

namespace Presence.Benchmarks;

/// <summary>Presence as a process of its own, as it is deployed, with what it costs.</summary>
internal sealed class PresenceProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _directory;
    private readonly string _url;

    private PresenceProcess(Process process, string directory, string url)
    {
        _process = process;
        _directory = directory;
        _url = url;
    }

    /// <summary>Whether it has ended by itself.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Its last lines, for when it fails.</summary>
    public string Log => string.Join('\n', File.ReadLines(Path.Combine(_directory, "out.log")).TakeLast(15));

    /// <summary>Creates the topics.</summary>
    public static Task CreateTopics(string bootstrap, int partitions) => Shell.Run(
        "dotnet",
        [Paths.Presence, "topics", "create", "--yes"],
        TimeSpan.FromMinutes(1),
        new Dictionary<string, string> { ["Kafka__BootstrapServers"] = bootstrap, ["Presence__Topics__Partitions"] = partitions.ToString(CultureInfo.InvariantCulture) });

    /// <summary>Starts it with an empty state directory of its own.</summary>
    public static PresenceProcess Start(string bootstrap, int workers)
    {
        string directory = Directory.CreateTempSubdirectory("presence-bench-app-").FullName;
        string url = $"http://127.0.0.1:{FreePort.One()}";
        ProcessStartInfo start = new("/bin/sh", ["-c", "exec dotnet \"$0\" run >out.log 2>&1 </dev/null", Paths.Presence]) { WorkingDirectory = directory };
        start.Environment["Kafka__BootstrapServers"] = bootstrap;
        start.Environment["Presence__StateDirectory"] = Path.Combine(directory, "state");
        start.Environment["Presence__Workers"] = workers.ToString(CultureInfo.InvariantCulture);
        start.Environment["Presence__HttpUrl"] = url;
        start.Environment["DOTNET_ENVIRONMENT"] = "Production";
        return new PresenceProcess(Process.Start(start)!, directory, url);
    }

    /// <summary>CPU seconds so far, user and system, of the whole process.</summary>
    public double CpuSeconds()
    {
        // Fields after the name in parentheses, which may hold blanks: utime is the 12th, stime the 13th; 100 per second.
        string stat = File.ReadAllText($"/proc/{_process.Id}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    }

    /// <summary>Resident memory now, and at its highest, MiB.</summary>
    public (double Now, double Peak) MemoryMiB()
    {
        double Read(string name) => File.ReadLines($"/proc/{_process.Id}/status").Where(l => l.StartsWith(name, StringComparison.Ordinal))
            .Select(l => double.Parse(new string([.. l.Where(char.IsAsciiDigit)]), CultureInfo.InvariantCulture) / 1024).FirstOrDefault();
        return (Read("VmRSS:"), Read("VmHWM:"));
    }

    /// <summary>Upper bounds, in ms, of the commits' median and 99th percentile, off its histogram; null when it does not answer.</summary>
    public async Task<(double P50, double P99, long Count)?> CommitLatency()
    {
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            return PrometheusHistogram.Quantiles(await client.GetStringAsync(new Uri(_url + "/metrics")), "presence_commit_duration_seconds");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await Shell.Run("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(5));
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(40));
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
            }
        }

        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
