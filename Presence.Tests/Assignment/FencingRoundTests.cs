using System.Text;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Tests.Simulation;

namespace Presence.Tests.Assignment;

internal sealed class FencingRoundTests
{
    private static readonly TopicPartition Topic = new("topic", 0);

    [Test]
    public void An_id_with_an_open_transaction_is_fenced_before_the_client_would_ask_again()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = new(new SimulatedCluster(world));
        log.Cluster.CreateTopic(new TopicSpecification(Topic.Topic, 1, null, new Dictionary<string, string>()));
        Incarnation dead = new("dead", "i", 2, IncarnationState.Condemned, 0);
        ITransactionalProducer[] left = [.. Enumerable.Range(0, dead.Workers).Select(w => log.CreateProducer(dead.TransactionalId("app", w)))];
        foreach (ITransactionalProducer producer in left)
        {
            world.RunUntil(() => producer.Init(TimeSpan.Zero).IsOk);
            Assert.That(producer.Begin().IsOk, Is.True);
            long end = log.Cluster.Find(Topic)!.End;
            Assert.That(producer.Produce(Topic, default, hasKey: false, Encoding.ASCII.GetBytes("v"), hasValue: true, 0).IsOk, Is.True);
            world.RunUntil(() => log.Cluster.Find(Topic)!.End > end);
        }

        using FencingRound round = new(log, "app", new SimulatedClock(world));
        round.Add(dead);
        long began = world.Now;
        world.RunUntil(() =>
        {
            round.Step();
            return round.IsDone(dead.Id);
        });
        Assert.That(world.Now - began, Is.LessThan(250_000), "virtual µs");
        foreach (ITransactionalProducer producer in left)
        {
            LogResult result = default;
            world.RunUntil(() => (result = producer.Commit(TimeSpan.Zero)).Status != LogStatus.TimedOut);
            Assert.That(result.Status, Is.EqualTo(LogStatus.Fatal));
        }
    }
}
