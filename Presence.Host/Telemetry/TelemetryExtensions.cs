using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
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
        bool exports = !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        OpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(configuration["OTEL_SERVICE_NAME"] ?? "presence"))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(RuntimeMetrics.MeterName).AddRuntimeInstrumentation().AddAspNetCoreInstrumentation().AddPrometheusExporter();
                if (exports)
                    metrics.AddOtlpExporter();
            });
        // Spans go nowhere but to a collector.
        if (exports)
            telemetry.WithTracing(traces => traces.AddAspNetCoreInstrumentation().AddOtlpExporter());
        return services;
    }
}
