using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Presence.Core.Runtime;

namespace Presence.Tests.Telemetry;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class RuntimeMetricsTests
{
    [Test]
    public void Every_instrument_has_our_prefix_a_unit_and_a_description()
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        List<Instrument> instruments = [];
        using MeterListener listener = new() { InstrumentPublished = (i, _) => { if (i.Meter.Scope == meters) instruments.Add(i); } };
        listener.Start();

        _ = new RuntimeMetrics(meters);

        Assert.That(instruments, Is.Not.Empty);
        using (Assert.EnterMultipleScope())
        {
            foreach (Instrument instrument in instruments)
            {
                Assert.That(instrument.Name, Does.StartWith("presence."));
                Assert.That(instrument.Unit, Is.Not.Null.And.Not.Empty, instrument.Name);
                Assert.That(instrument.Description, Is.Not.Null.And.Not.Empty, instrument.Name);
            }
        }
    }

    [Test]
    public void Dead_letters_are_counted_by_stage_and_reason_only()
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        List<(long Value, string Labels)> seen = [];
        using MeterListener listener = new() { InstrumentPublished = (i, l) => { if (i.Meter.Scope == meters && i.Name == "presence.records.dead_lettered") l.EnableMeasurementEvents(i); } };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => seen.Add((value, string.Join(',', tags.ToArray().Select(t => $"{t.Key}={t.Value}")))));
        listener.Start();

        new RuntimeMetrics(meters).DeadLettered("walk-in", "no key", 3);

        Assert.That(seen, Is.EqualTo(new[] { (3L, "stage=walk-in,reason=no key") }));
    }
}
