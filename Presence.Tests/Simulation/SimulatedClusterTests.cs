using Presence.Core.Log;
using Presence.Core.Log.Simulated;

namespace Presence.Tests.Simulation;

/// <summary>What the simulated cluster does that no conformance test can wait for on a real one.</summary>
internal sealed class SimulatedClusterTests
{
    [Test]
    public void Who_had_a_transactional_id_that_was_forgotten_and_taken_anew_is_refused()
    {
        SimulatedWorld world = new(1);
        SimulatedCluster cluster = new(world, new SimulatedClusterOptions { IdExpiration = TimeSpan.FromSeconds(1) });
        cluster.CreateTopic(new TopicSpecification("topic", 1, null, new Dictionary<string, string>()));
        Assert.That(cluster.InitProducer("id", new object(), out ProducerIdAndEpoch before).IsOk, Is.True);
        world.Run(TimeSpan.FromSeconds(2));
        cluster.Expire();

        Assert.That(cluster.InitProducer("id", new object(), out ProducerIdAndEpoch after).IsOk, Is.True);
        Assert.That(after.Epoch, Is.EqualTo(before.Epoch), "epochs begin again");
        LogResult late = cluster.Produce("id", before, new TopicPartition("topic", 0), [(null, null, 0, [])], out _);
        Assert.That(late.Status, Is.EqualTo(LogStatus.Fatal));
        Assert.That(cluster.Produce("id", after, new TopicPartition("topic", 0), [(null, null, 0, [])], out _).IsOk, Is.True);
    }
}
