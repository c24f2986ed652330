using Microsoft.Extensions.Hosting;
using Presence.Core.Log;
using Presence.Host.Embedded;

namespace Presence.Host.Hosting;

/// <summary>Compacts and trims the embedded log, a slice at a time.</summary>
internal sealed class EmbeddedMaintenance(ILog log, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        EmbeddedLog embedded = (EmbeddedLog)log;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stoppingToken.IsCancellationRequested)
                await Task.Run(embedded.Maintain, CancellationToken.None);
        }
    }
}
