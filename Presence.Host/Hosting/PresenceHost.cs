using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.State;
using Presence.Host.Configuration;
using Presence.Host.Health;
using Presence.Host.Ingest;
using Presence.Host.RocksDb;
using Presence.Host.Telemetry;
using Presence.Host.Web;

namespace Presence.Host.Hosting;

/// <summary>Puts the process together: log, stores, runtime, and what listens.</summary>
public static class PresenceHost
{
    /// <summary>
    /// Ready to run. <paramref name="isVerbOutput"/>: for a verb, which has stdout for its results, so that logs go to stderr,
    /// warnings and above, and which ends it: no signal does.
    /// </summary>
    public static WebApplication Build(Settings settings, StateDirectory directory, string? notice, bool isVerbOutput = false)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddConfiguration(settings.Source);
        builder.Logging.ClearProviders();
        // Of two rules as specific as each other the later one wins: configuration over these.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Hosting", LogLevel.Warning);
        builder.Logging.AddConfiguration(settings.Source.GetSection("Logging"));
        if (isVerbOutput)
            builder.Logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(o => o.SingleLine = true).Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        else if (Console.IsOutputRedirected)
            builder.Logging.AddJsonConsole(o => o.TimestampFormat = "O");
        else
            builder.Logging.AddSimpleConsole(o => (o.SingleLine, o.TimestampFormat) = (true, "HH:mm:ss.fff "));
        builder.Host.UseSystemd();
        builder.Host.ConfigureHostOptions(o => o.ShutdownTimeout = TimeSpan.FromSeconds(25));

        IServiceCollection services = builder.Services;
        services.AddSingleton(settings);
        services.AddSingleton(directory);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<ILog>(p => LogFactory.Open(settings, directory.Path, TimeProvider.System, p.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(_ => new RocksDbResources(settings.Presence.RocksDb));
        services.AddSingleton<IStateStoreProvider>(p => new RocksDbStateStoreProvider(directory, p.GetRequiredService<RocksDbResources>(), TimeProvider.System));
        services.AddSingleton<IPresenceRuntime>(p => RuntimeFactory.Create(
            settings.Presence,
            directory.InstanceId,
            settings.IsEmbedded,
            p.GetRequiredService<ILog>(),
            p.GetRequiredService<IStateStoreProvider>(),
            TimeProvider.System,
            p.GetRequiredService<IMeterFactory>(),
            p.GetRequiredService<ILoggerFactory>(),
            [.. p.GetServices<ILifecycleListener>()]));
        services.AddSingleton<PresenceService>();
        services.AddHostedService(p => p.GetRequiredService<PresenceService>());
        if (isVerbOutput)
            services.AddSingleton<IHostLifetime, VerbLifetime>();
        if (SystemdHelpers.IsSystemdService())
            services.AddHostedService<SystemdReporter>();
        services.AddPresenceTelemetry(settings.Source);
        if (settings.Presence.HttpUrl.Length > 0)
            services.AddPresenceWeb();
        if (settings.IsEmbedded)
            services.AddHostedService<EmbeddedMaintenance>();

        bool listens = settings.Presence.HttpUrl.Length > 0;
        if (listens)
            builder.WebHost.UseKestrelCore().UseUrls(settings.Presence.HttpUrl);
        else
            services.AddSingleton<IServer, NoServer>();

        WebApplication app = builder.Build();
        if (listens)
        {
            app.MapPresenceHealth();
            app.MapPresenceWeb();
            app.MapPresenceIngest();
            app.MapPrometheusScrapingEndpoint("/metrics");
        }

        ILogger logger = app.Services.GetRequiredService<ILogger<PresenceService>>();
        if (notice is not null)
            logger.StateDirectoryNotice(notice);
        logger.RunsOn(app.Services.GetRequiredService<ILog>().Description, directory.Path, directory.InstanceId);
        MemoryBudget budget = MemoryBudget.Of(settings);
        long? limit = ContainerMemory.Limit();
        if (budget.MayExceed(limit))
            logger.MemoryTight(budget.Describe(limit));
        else
            logger.Memory(budget.Describe(limit));
        return app;
    }

    /// <summary>The service that knows the verdict after it has run.</summary>
    public static PresenceService ServiceOf(WebApplication app) => app.Services.GetRequiredService<PresenceService>();
}
