using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Host.Embedded;

namespace Presence.Host.Hosting;

/// <summary>Compacts and trims the embedded log, a slice at a time.</summary>
internal sealed class EmbeddedMaintenance(ILog log, TimeProvider time, ILogger<EmbeddedMaintenance> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        EmbeddedLog embedded = (EmbeddedLog)log;
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
                return;
            try
            {
                await Task.Run(embedded.Maintain, CancellationToken.None);
            }
            catch (LogException e)
            {
                // A full disk has room again some time; the log goes on meanwhile, as far as it can.
                logger.NotMaintained(e.Message, Pause);
            }
        }
    }
}
