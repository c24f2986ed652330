using System.Diagnostics;
using System.Globalization;
using System.Text;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.WalkInHistory;

namespace Presence.Tests.Stages;

[NonParallelizable]
internal sealed class WalkInAllocationTests
{
    [Test]
    public void A_record_of_any_kind_allocates_nothing_after_warm_up()
    {
        VenueOptions venue = new() { Business = "b", Venue = "v", TimeZone = "Europe/Prague", ExcludedDevices = { "d7" } };
        StageDefinition definition = WalkInStageDefinition.Create(new TopicNames(), new WalkInOptions(), [venue]);
        IStage stage = definition.Create();
        StageAllocationContext context = new(definition.TimerOf);
        List<Sighting> day = Day(20_000);
        (byte[] Key, byte[] Value, bool IsLogin, long At)[][] days = [.. Enumerable.Range(0, 4).Select(d => Encode(day, d))];

        // Days of the same devices: the second one has all returns, ends, timers and day sums of the others to come.
        for (int d = 0; d < 3; d++)
            Deliver(stage, context, days[d]);
        int emitted = context.Emitted;
        long started = 0;
        long allocated = Allocated.By(() =>
        {
            started = Stopwatch.GetTimestamp();
            Deliver(stage, context, days[3]);
        });
        TimeSpan took = Stopwatch.GetElapsedTime(started);

        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{took.TotalNanoseconds / days[3].Length:F0} ns per record, {context.LargestValue} B the largest state, {context.Entries} states left, {context.Emitted - emitted} records emitted"));
        Assert.That(context.Emitted - emitted, Is.GreaterThan(50), "records emitted while it was measured");
        Assert.That(allocated, Is.Zero);
    }

    private static void Deliver(IStage stage, StageAllocationContext context, (byte[] Key, byte[] Value, bool IsLogin, long At)[] records)
    {
        for (int i = 0; i < records.Length; i++)
        {
            ref var r = ref records[i];
            int input = r.IsLogin ? 1 : 0;
            LogRecord record = new() { Offset = i, Timestamp = r.At, Key = r.Key, HasKey = true, Value = r.Value, HasValue = true };
            Decoded decoded = stage.Decode(input, record, EventTime.Max);
            if (decoded.MovesClock)
                context.Clock = Math.Max(context.Clock, decoded.EventTime);
            if ((i & 1023) == 0)
                context.FireTimers(stage);
            stage.Process(input, context);
        }
    }

    /// <summary>Visitors with returns, passers-by, staff and the excluded; every hundredth sighting a login.</summary>
    internal static List<Sighting> Day(int count)
    {
        Random random = new(7);
        List<Sighting> all = [];
        for (int i = 0; i < count; i++)
        {
            int device = random.Next(100);
            double minute = device < 5 ? random.NextDouble() * 700 : (device % 10 * 60) + (random.NextDouble() * 60) + (random.Next(4) == 0 ? 240 : 0);
            bool login = random.Next(100) == 0;
            all.Add(At(minute, login ? 0 : -45 - random.Next(40), $"d{device}", login));
        }

        return [.. all.OrderBy(s => s.At)];
    }

    /// <summary>As records of a day so many days later.</summary>
    internal static (byte[] Key, byte[] Value, bool IsLogin, long At)[] Encode(List<Sighting> day, int shift) =>
    [
        .. day.Select(s => s with { At = s.At + (shift * 86_400_000L) })
            .Select(s => (Encoding.UTF8.GetBytes(s.Device), Encoding.UTF8.GetBytes(s.IsLogin ? Login(s) : Probe(s)), s.IsLogin, s.At)),
    ];
}
