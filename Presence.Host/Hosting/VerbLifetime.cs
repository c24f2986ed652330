using Microsoft.Extensions.Hosting;

namespace Presence.Host.Hosting;

/// <summary>Of a host that a verb starts and stops: signals go to the verb alone.</summary>
internal sealed class VerbLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
