using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Log;
using Presence.Host.Kafka;

namespace Presence.Tests.Kafka;

/// <summary>Clients that end while nothing answers them.</summary>
internal sealed class KafkaEndTests
{
    [Test]
    public void A_writer_that_nothing_answers_is_gone_at_once()
    {
        using KafkaLog log = new(new KafkaClients(new KafkaOptions { BootstrapServers = "127.0.0.1:1" }, TimeProvider.System, NullLogger.Instance));
        IRecordWriter writer = log.CreateWriter();
        using CancellationTokenSource gone = new();
        Task append = writer.Append([new ProducedRecord("topic", "key"u8.ToArray(), "value"u8.ToArray(), 0)], gone.Token);
        Assert.That(append.IsCompleted, Is.False);
        gone.Cancel();
        long began = Stopwatch.GetTimestamp();
        writer.Dispose();
        Assert.That(Stopwatch.GetElapsedTime(began), Is.LessThan(TimeSpan.FromSeconds(5)));
        Assert.That(() => append, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_client_is_looked_after_until_its_last_call_and_not_beyond()
    {
        int calls = 0, idle = 0;
        bool wasLast = false, isIdleAfterwards = false;
        using ManualResetEventSlim ended = new();
        CallThread thread = new("test-calls", () =>
        {
            idle++;
            isIdleAfterwards |= wasLast;
        });
        Assert.That(thread.Call(() => ++calls).Result, Is.EqualTo(1));
        Assert.That(SpinWait.SpinUntil(() => idle > 0, TimeSpan.FromSeconds(10)), Is.True);
        Task<int> before = thread.Call(() => ++calls);
        thread.End(() =>
        {
            wasLast = true;
            ended.Set();
        });
        Assert.That(ended.Wait(TimeSpan.FromSeconds(10)), Is.True);
        Assert.That((before.Result, isIdleAfterwards), Is.EqualTo((2, false)), "what was called before is done first");
    }
}
