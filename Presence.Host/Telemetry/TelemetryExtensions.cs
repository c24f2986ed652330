using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using Presence.Core.Runtime;

namespace Presence.Host.Telemetry;

/// <summary>Metrics by OpenTelemetry: Prometheus at /metrics, OTLP where an endpoint is configured.</summary>
public static class TelemetryExtensions
{
    /// <summary>Registers them.</summary>
    public static IServiceCollection AddPresenceTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddMetrics();
        services.AddSingleton<InstanceGauges>();
        services.AddHostedService(p => p.GetRequiredService<InstanceGauges>());
        services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter(RuntimeMetrics.MeterName).AddRuntimeInstrumentation().AddPrometheusExporter();
            if (!string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
                metrics.AddOtlpExporter();
        });
        return services;
    }
}
