using System.Diagnostics;
using System.Globalization;
using System.Text;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Stages;

/// <summary>The stages after the walk-in: not a byte per record once warm.</summary>
[NonParallelizable]
internal sealed class ContactAllocationTests
{
    private sealed record Delivery(int Input, byte[] Key, byte[]? Value, long At);

    private static Delivery Record(int input, string key, string? value, long at) => new(input, Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value), at);

    private static void AssertNoAllocation(StageDefinition definition, Func<int, IEnumerable<Delivery>> round)
    {
        IStage stage = definition.Create();
        StageAllocationContext context = new(definition.TimerOf) { WallClock = EventTime.Min };
        Delivery[][] rounds = [.. Enumerable.Range(0, 4).Select(r => round(r).ToArray())];
        for (int r = 0; r < 3; r++)
            Deliver(stage, context, rounds[r]);
        int emitted = context.Emitted;
        long started = 0;
        long allocated = Allocated.By(() =>
        {
            started = Stopwatch.GetTimestamp();
            Deliver(stage, context, rounds[3]);
        });
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{definition.Name}: {took.TotalNanoseconds / rounds[3].Length:F0} ns per record, {context.LargestValue} B the largest state, {context.Emitted - emitted} emitted of {rounds[3].Length}"));
        Assert.That(context.Emitted - emitted, Is.GreaterThan(100));
        Assert.That(allocated, Is.Zero);
    }

    private static void Deliver(IStage stage, StageAllocationContext context, Delivery[] records)
    {
        for (int i = 0; i < records.Length; i++)
        {
            Delivery r = records[i];
            LogRecord record = new() { Offset = i, Timestamp = r.At, Key = r.Key, HasKey = true, Value = r.Value, HasValue = r.Value is not null };
            Decoded decoded = stage.Decode(r.Input, record, EventTime.Max);
            if (!decoded.IsGood)
                throw new InvalidOperationException($"{decoded.Breach} {decoded.Field}");
            if (decoded.MovesClock)
                context.Clock = Math.Max(context.Clock, decoded.EventTime);
            context.WallClock += 1000;
            if ((i & 255) == 0)
                context.FireTimers(stage);
            stage.Process(r.Input, context);
        }
    }

    private static long At(int round, int i) => ContactHistory.At((round * 10_000) + (i / 2.0));

    [Test]
    public void Joining_logins_with_contacts() => AssertNoAllocation(Logins, round => Enumerable.Range(0, 5000).Select(i => (i % 10) switch
    {
        0 => Record(0, $"c{i * 7 % 19}", Json(("contact", $"c{i * 7 % 19}"), ("email", $"e{i % 7:D6}@example.org"), ("name", $"Name {i % 5}"), ("at", At(round, i))), At(round, i)),
        1 when i % 3 == 0 => Record(0, $"c{i * 7 % 19}", null, At(round, i)),
        _ => Record(2, $"c{i * 7 % 19}", Json(("contact", $"c{i * 7 % 19}"), ("device", $"d{i % 40}"), ("business", "b"), ("venue", "v"), ("at", At(round, i))), At(round, i)),
    }));

    [Test]
    public void Keeping_the_map_of_a_device() => AssertNoAllocation(DeviceToContact, round => Enumerable.Range(0, 5000).Select(i =>
        Record(0, $"d{i % 50}", DeviceLogin($"d{i % 50}", $"b{i % 3}", $"c{i % 7}", At(round, i), deleted: i % 11 == 0), At(round, i))));

    [Test]
    public void Enriching_walk_ins() => AssertNoAllocation(Enrichment, round => Enumerable.Range(0, 5000).Select(i => i % 3 == 0
        ? Record(1, $"d{i % 50}", Json(("device", $"d{i % 50}"), ("businesses", new Dictionary<string, object> { ["b"] = new { contact = $"c{i % 7}", email = "e@example.org", at = At(round, i) } })), At(round, i))
        : Record(0, $"d{i % 53}", Json(("visit", $"x{round}{i:D5}"), ("device", $"d{i % 53}"), ("business", "b"), ("venue", "v"), ("at", At(round, i)), ("firstSeen", At(round, i)), ("rssi", -50)), At(round, i))));

    [Test]
    public void Counting_walk_ins() => AssertNoAllocation(ContactHistory.Counting, round => Enumerable.Range(0, 5000).Select(i =>
        Record(0, $"b|c{i % 50}", EnrichedWalkIn("b", $"c{i % 50}", new CountedFact($"x{round}{i:D5}", At(round, i * 17 % 5000), At(round, i))), At(round, i))));
}
