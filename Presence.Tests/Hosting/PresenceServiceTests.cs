using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Presence.Core.Runtime;
using Presence.Host.Hosting;

namespace Presence.Tests.Hosting;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class PresenceServiceTests
{
    [Test]
    public async Task It_stops_while_what_listens_still_waits_for_its_requests()
    {
        using Runtime runtime = new();
        Listener listener = new(runtime.Stopped.Task);
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<IPresenceRuntime>(runtime);
        builder.Services.AddHostedService<PresenceService>();
        // Begun last, it ends first, as the web server does.
        builder.Services.AddHostedService(_ => listener);
        using IHost host = builder.Build();
        await host.StartAsync();
        await host.StopAsync();
        Assert.That(listener.HasSeenTheEnd, Is.True);
    }

    private sealed class Listener(Task stopped) : IHostedService
    {
        public bool HasSeenTheEnd { get; private set; }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async Task StopAsync(CancellationToken cancellationToken) =>
            HasSeenTheEnd = await Task.WhenAny(stopped, Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System, cancellationToken)) == stopped;
    }

    private sealed class Runtime : IPresenceRuntime, IDisposable
    {
        private readonly TaskCompletionSource<bool> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Stopped { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<bool> Completion => _completion.Task;

        public bool IsRefused => false;

        public void Start()
        {
        }

        public InstanceStatus Status() => throw new InvalidOperationException("Nobody asks while all is well.");

        public void RequestStop()
        {
            Stopped.TrySetResult();
            _completion.TrySetResult(true);
        }

        public void Dispose() => _completion.TrySetResult(true);
    }
}
