using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Presence.Benchmarks;

/// <summary>
/// One instance of Presence as it is deployed, whatever process it has at the moment, with what that process costs.
/// Its directory, with state and log, lasts until the instance is disposed of.
/// </summary>
internal sealed class PresenceProcess : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("presence-bench-app-").FullName;
    private readonly Dictionary<string, string> _environment;
    private readonly string _program;
    private readonly HttpClient _client;
    private Process? _process;
    private long _logBegins;

    private PresenceProcess(string bootstrap, int workers, string program, IReadOnlyDictionary<string, string>? settings)
    {
        _program = program;
        string url = $"http://127.0.0.1:{FreePort.One()}";
        _client = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(5) };
        _environment = new Dictionary<string, string>(settings ?? new Dictionary<string, string>())
        {
            ["Kafka__BootstrapServers"] = bootstrap,
            ["Presence__StateDirectory"] = StateDirectory,
            ["Presence__Workers"] = workers.ToString(CultureInfo.InvariantCulture),
            ["Presence__HttpUrl"] = url,
            ["DOTNET_ENVIRONMENT"] = "Production",
            // As the deployment files set it.
            ["DOTNET_GCgen0size"] = "0x800000",
        };
    }

    /// <summary>Whether its process has ended by itself.</summary>
    public bool HasEnded => _process is { HasExited: true };

    /// <summary>When its process was started, wall clock.</summary>
    public DateTimeOffset StartedAt { get; private set; }

    /// <summary>Its last lines, for when it fails.</summary>
    public string Log => string.Join('\n', LogLines().TakeLast(15).Select(Readable));

    private string StateDirectory => Path.Combine(_directory, "state");

    private string LogFile => Path.Combine(_directory, "out.log");

    /// <summary>Creates the topics, as <paramref name="program"/> (the build of this checkout) proposes them.</summary>
    public static Task CreateTopics(string bootstrap, int partitions, string? program = null) => Shell.Run(
        "dotnet",
        [program ?? Paths.Presence, "topics", "create", "--yes"],
        TimeSpan.FromMinutes(1),
        new Dictionary<string, string> { ["Kafka__BootstrapServers"] = bootstrap, ["Presence__Topics__Partitions"] = partitions.ToString(CultureInfo.InvariantCulture) });

    /// <summary>
    /// Starts an instance with an empty state directory of its own. <paramref name="settings"/> are environment variables
    /// (<c>Presence__CommitInterval</c>); <paramref name="program"/> is another presence.dll than that of this checkout.
    /// </summary>
    public static PresenceProcess Start(string bootstrap, int workers, IReadOnlyDictionary<string, string>? settings = null, string? program = null)
    {
        PresenceProcess presence = new(bootstrap, workers, program ?? Paths.Presence, settings);
        presence.Start();
        return presence;
    }

    /// <summary>Starts it again, on the state it has. A setting given here replaces the one it was made with.</summary>
    public void Start(string? setting = null, string? value = null)
    {
        if (setting is not null)
            _environment[setting] = value!;
        ProcessStartInfo start = new("/bin/sh", ["-c", "exec dotnet \"$0\" run >>out.log 2>&1 </dev/null", _program]) { WorkingDirectory = _directory };
        foreach ((string name, string text) in _environment)
            start.Environment[name] = text;
        _logBegins = File.Exists(LogFile) ? new FileInfo(LogFile).Length : 0;
        _process?.Dispose();
        StartedAt = TimeProvider.System.GetUtcNow();
        _process = Process.Start(start)!;
    }

    /// <summary>kill -9.</summary>
    public async Task Kill()
    {
        Process process = Running();
        _process = null;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    /// <summary>SIGTERM, and waits for its end. Throws when it does not end.</summary>
    public async Task Stop()
    {
        Process process = Running();
        _process = null;
        try
        {
            await Shell.Run("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(5));
            using CancellationTokenSource limit = new(StopLimit);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"Presence did not stop within {StopLimit.TotalSeconds:0} s. Its log ends:\n{Log}");
        }
        finally
        {
            process.Dispose();
        }
    }

    /// <summary>Deletes its state while it is stopped.</summary>
    public void Wipe() => Directory.Delete(StateDirectory, recursive: true);

    /// <summary>CPU seconds of its process so far, user and system.</summary>
    public double CpuSeconds() => ProcessCost.CpuSeconds(Running().Id);

    /// <summary>Resident memory of its process now, and at its highest, MiB.</summary>
    public (double Now, double Peak) MemoryMiB() => ProcessCost.MemoryMiB(Running().Id);

    /// <summary>What its state takes on disk, MiB.</summary>
    public double DiskMiB()
    {
        // RocksDB removes files at any time: what is gone counts nothing.
        long Size(FileInfo file)
        {
            try
            {
                return file.Length;
            }
            catch (FileNotFoundException)
            {
                return 0;
            }
        }

        return new DirectoryInfo(StateDirectory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(Size) / 1048576.0;
    }

    /// <summary>What <c>/api/status</c> answers; null when it does not.</summary>
    public async Task<JsonNode?> Status()
    {
        try
        {
            return await _client.GetFromJsonAsync<JsonNode>("/api/status");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>Whether <paramref name="path"/>, such as <c>/health/live</c>, answers with success.</summary>
    public async Task<bool> Answers(string path)
    {
        try
        {
            using HttpResponseMessage response = await _client.GetAsync(new Uri(path, UriKind.Relative));
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>What <c>/metrics</c> answers; empty when it does not.</summary>
    public async Task<string> Metrics()
    {
        try
        {
            return await _client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return "";
        }
    }

    /// <summary>Upper bounds, in ms, of the commits' median and 99th percentile, off its histogram; null when it does not answer.</summary>
    public async Task<(double P50, double P99, long Count)?> CommitLatency() => PrometheusHistogram.Quantiles(await Metrics(), "presence_commit_duration_seconds");

    /// <summary>Tasks there are on topics of so many partitions: five stages.</summary>
    public static int Tasks(int partitions) => 5 * partitions;

    /// <summary>Waits until <paramref name="tasks"/> tasks run here.</summary>
    public Task Runs(int tasks, CancellationToken cancellation) => Until(
        async () => (int?)(await Status())?["totals"]?["running"] == tasks, TimeSpan.FromMilliseconds(100), cancellation);

    /// <summary>Asks again and again. Throws when its process ends meanwhile.</summary>
    public async Task Until(Func<Task<bool>> holds, TimeSpan interval, CancellationToken cancellation)
    {
        while (!await holds())
        {
            ThrowIfEnded();
            await Task.Delay(interval, TimeProvider.System, cancellation);
        }
    }

    /// <summary>Throws, with the end of its log, when its process has ended by itself.</summary>
    public void ThrowIfEnded()
    {
        if (HasEnded)
            throw new InvalidOperationException($"Presence has ended by itself. Its log ends:\n{Log}");
    }

    /// <summary>What its present process has logged so far.</summary>
    public IEnumerable<string> LogLines()
    {
        using FileStream file = new(LogFile, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        file.Seek(_logBegins, SeekOrigin.Begin);
        using StreamReader reader = new(file);
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_process is { HasExited: false })
                await Stop();
        }
        catch (TimeoutException e)
        {
            // It has been killed; what goes on being disposed of matters more.
            Report.Say(e.Message);
        }
        finally
        {
            _process?.Dispose();
            _client.Dispose();
            Directory.Delete(_directory, recursive: true);
        }
    }

    // A line of the log without its repetitions; what is no such line stays as it is.
    private static string Readable(string line)
    {
        try
        {
            JsonNode entry = JsonNode.Parse(line)!;
            return $"{entry["Timestamp"]} {entry["LogLevel"]}: {entry["Message"]} {entry["Exception"]}".TrimEnd();
        }
        catch (JsonException)
        {
            return line;
        }
    }

    private Process Running()
    {
        ThrowIfEnded();
        return _process ?? throw new InvalidOperationException("Presence does not run at the moment.");
    }
}
