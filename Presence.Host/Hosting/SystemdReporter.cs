using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Presence.Core.Runtime;

namespace Presence.Host.Hosting;

/// <summary>
/// Tells systemd how it goes: a status line, and, where the unit has a watchdog, a sign of life for as long as every
/// loop of the runtime makes steps. A loop that is stuck silences it, and systemd ends the process.
/// </summary>
internal sealed class SystemdReporter(ISystemdNotifier notifier, IPresenceRuntime runtime, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(2);

    /// <summary>The watchdog's time-out as systemd states it (WATCHDOG_USEC); null: there is none.</summary>
    internal static TimeSpan? TimeoutOf(string? microseconds) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value > 0 ? TimeSpan.FromMicroseconds(value) : null;

    /// <summary>Whether a sign of life may be given: the slowest loop has made a step within half the time-out.</summary>
    internal static bool IsAlive(InstanceStatus status, long now, TimeSpan timeout) => now - status.LastProgress < timeout.TotalMilliseconds / 2;

    /// <summary>The status line.</summary>
    internal static string Describe(InstanceStatus status)
    {
        int running = status.Tasks.Count(t => t.State == TaskState.Running);
        long remaining = status.Tasks.Sum(t => t.RestoreRemaining);
        string restoring = remaining > 0 ? $", {remaining} records to restore" : "";
        return $"{status.State}: {running} of {status.Tasks.Count} tasks run{restoring}{(status.Reason is null ? "" : $"; {status.Reason}")}".ReplaceLineEndings(" ");
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!notifier.IsEnabled)
            return;
        TimeSpan? timeout = TimeoutOf(Environment.GetEnvironmentVariable("WATCHDOG_USEC"));
        TimeSpan interval = timeout is { } limit && limit / 4 < StatusInterval ? limit / 4 : StatusInterval;
        string? told = null;
        using PeriodicTimer timer = new(interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            InstanceStatus status = runtime.Status();
            if (timeout is { } watchdog && IsAlive(status, time.GetUtcNow().ToUnixTimeMilliseconds(), watchdog))
                notifier.Notify(new ServiceState("WATCHDOG=1"));
            string line = Describe(status);
            if (line != told)
                notifier.Notify(new ServiceState($"STATUS={told = line}"));
        }
    }
}
