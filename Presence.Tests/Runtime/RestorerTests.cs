using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;
using Presence.Core.State;
using Presence.Core.State.Simulated;
using Presence.Tests.Simulation;
using Presence.Tests.Telemetry;

namespace Presence.Tests.Runtime;

/// <summary>Copies that follow a changelog, in virtual time and without faults.</summary>
internal sealed class RestorerTests
{
    private static readonly TopicPartition Changelog = new("changelog", 0);
    private static readonly TaskId Task = new(SimulatedTown.Stages[0].Name, 0);

    [Test]
    public void A_copy_that_has_all_that_could_be_read_is_current_while_a_transaction_is_open()
    {
        SimulatedWorld world = new(1);
        SimulatedLog log = new(new SimulatedCluster(world));
        foreach (string input in SimulatedTown.Stages[0].Inputs)
            log.Cluster.CreateTopic(new TopicSpecification(input, 1, null, new Dictionary<string, string>()));
        log.Cluster.CreateTopic(new TopicSpecification(Changelog.Topic, 1, null, new Dictionary<string, string> { ["cleanup.policy"] = "compact" }));
        using ITransactionalProducer first = log.CreateProducer("first"), second = log.CreateProducer("second");
        world.RunUntil(() => first.Init(TimeSpan.Zero).IsOk);
        world.RunUntil(() => second.Init(TimeSpan.Zero).IsOk);
        using Restorer restorer = Follow(world, log);
        Write(world, log, first);
        world.RunUntil(() => first.Commit(TimeSpan.Zero).IsOk);
        world.RunUntil(() => State(restorer) == TaskState.Running);

        // Another one is committed, and behind it one is open, before the copy looks again.
        Write(world, log, first);
        world.RunUntil(() => first.Commit(TimeSpan.Zero).IsOk);
        world.RunUntil(() => Partition(log).StableEnd == Partition(log).End);
        Write(world, log, second);
        long readable = Partition(log).StableEnd;
        Assert.That(Partition(log).End, Is.GreaterThan(readable));
        world.RunUntil(() => State(restorer) is { } && restorer.Status[0].ChangelogOffset >= readable - 1);
        Assert.That(State(restorer), Is.EqualTo(TaskState.Running), "nothing more could be read");

        // What was open then is asked for once the end has been reached again.
        world.RunUntil(() => second.Commit(TimeSpan.Zero).IsOk);
        world.RunUntil(() => State(restorer) == TaskState.Running && restorer.Status[0].ChangelogOffset > readable);
    }

    private static Restorer Follow(SimulatedWorld world, SimulatedLog log)
    {
        TimeProvider time = new SimulatedClock(world, TimeSpan.Zero);
        RuntimeMetrics metrics = new(new UnheardMeters());
        InstanceOptions options = new() { ApplicationId = "presence", InstanceId = "i", DeadLetterTopic = "dead-letter" };
        Restorer restorer = new(log, options, new SimulatedStores(new SimulatedDisk(world)), time, metrics, new Lifecycle(NullLogger.Instance, metrics, time, []), NullLogger.Instance);
        TaskTopics topics = new(Changelog, [.. SimulatedTown.Stages[0].Outputs.Select(_ => 1)], "dead-letter", 1);
        Task<IReadOnlyDictionary<string, TopicDescription>> described = log.Admin.DescribeTopics([Changelog.Topic], CancellationToken.None);
        world.RunUntil(() => described.IsCompleted);
        restorer.Follow(new TakeoverRequest(Task, SimulatedTown.Stages[0], topics, described.Result[Changelog.Topic].Id, TimeSpan.FromDays(1), BadInputPolicy.DeadLetter, 0, new StoreBounds()));
        return restorer;
    }

    private static TaskState? State(Restorer restorer)
    {
        restorer.RunOnce(TimeSpan.Zero);
        return restorer.Status.Count == 0 ? null : restorer.Status[0].State;
    }

    private static SimulatedPartition Partition(SimulatedLog log) => log.Cluster.Find(Changelog)!;

    // A transaction with one record of the changelog, which the log has and which is not committed.
    private static void Write(SimulatedWorld world, SimulatedLog log, ITransactionalProducer producer)
    {
        long end = Partition(log).End;
        MetaRecord record = new(SimulatedTown.Stages[0].Inputs.Count);
        byte[] meta = new byte[record.Length];
        record.Write(meta);
        Assert.That(producer.Begin().IsOk, Is.True);
        Assert.That(producer.Produce(Changelog, StoreKeys.Meta, hasKey: true, meta, hasValue: true, 0).IsOk, Is.True);
        world.RunUntil(() => Partition(log).End > end);
    }
}
