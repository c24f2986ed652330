using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Presence.Core.Runtime;

namespace Presence.Host.Hosting;

/// <summary>Runs the runtime as part of the host; when it ends by itself, the process ends with its verdict.</summary>
public sealed class PresenceService(IPresenceRuntime runtime, IHostApplicationLifetime lifetime, ILogger<PresenceService> logger) : BackgroundService
{
    /// <summary>Exit code once the host has stopped: 0 clean, 1 failed, 3 refused as unsafe.</summary>
    public int ExitCode { get; private set; }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // At once: what listens stops first, and waits for the requests it has.
        await using CancellationTokenRegistration stop = lifetime.ApplicationStopping.Register(runtime.RequestStop);
        runtime.Start();
        if (!await runtime.Completion)
        {
            InstanceStatus status = runtime.Status();
            ExitCode = runtime.IsRefused ? 3 : 1;
            logger.RuntimeFailed(status.Reason ?? "no reason given");
        }

        lifetime.StopApplication();
    }
}
