using System.Diagnostics.Metrics;

namespace Presence.Tests.Telemetry;

/// <summary>Meters to which nobody listens.</summary>
internal sealed class UnheardMeters : IMeterFactory
{
    public Meter Create(MeterOptions options) => new(options);

    public void Dispose()
    {
        // Nothing is held.
    }
}
