using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
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

        using FencingRound round = new(log, "app", new SimulatedClock(world), NullLogger.Instance);
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

    [Test]
    public void An_id_whose_use_is_denied_is_not_fenced_before_it_is_allowed_again()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = new(new SimulatedCluster(world));
        log.Cluster.CreateTopic(new TopicSpecification(Topic.Topic, 1, null, new Dictionary<string, string>()));
        Incarnation dead = new("dead", "i", 1, IncarnationState.Condemned, 0);
        string id = dead.TransactionalId("app", 0);
        ITransactionalProducer holder = log.CreateProducer(id);
        world.RunUntil(() => holder.Init(TimeSpan.Zero).IsOk);
        Assert.That(holder.Begin().IsOk, Is.True);
        Assert.That(holder.Produce(Topic, default, hasKey: false, Encoding.ASCII.GetBytes("v"), hasValue: true, 0).IsOk, Is.True);
        world.RunUntil(() => log.Cluster.Find(Topic)!.End > 0);

        log.Cluster.Denied.Add(id);
        using FencingRound round = new(log, "app", new SimulatedClock(world), NullLogger.Instance);
        round.Add(dead);
        long deniedAt = world.Now;
        world.RunUntil(() =>
        {
            round.Step();
            return world.Now - deniedAt > 5_000_000;
        });
        Assert.That(round.IsDone(dead.Id), Is.False, "its holder can still commit");
        Assert.That(round.Waiting, Does.Contain("AUTHORIZATION_FAILED"));

        log.Cluster.Denied.Remove(id);
        world.RunUntil(() =>
        {
            round.Step();
            return round.IsDone(dead.Id);
        });
        LogResult late = default;
        world.RunUntil(() => (late = holder.Commit(TimeSpan.Zero)).Status != LogStatus.TimedOut);
        Assert.That(late.IsFenced, Is.True, late.Reason);
    }
}
