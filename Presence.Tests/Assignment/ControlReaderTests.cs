using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Tests.Simulation;

namespace Presence.Tests.Assignment;

/// <summary>What ends the reading of the control log, and what does not.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ControlReaderTests
{
    private static readonly string Topic = ControlTopics.ControlOf("app");

    private readonly SimulatedWorld _world = new(1);
    private readonly SimulatedCluster _cluster;

    public ControlReaderTests()
    {
        _cluster = new SimulatedCluster(_world);
        foreach (TopicSpecification topic in ControlTopics.Specifications("app", null))
            _cluster.CreateTopic(topic);
    }

    [Test]
    public void Access_that_is_denied_for_a_while_is_waited_for_in_the_open()
    {
        using ControlReader reader = new(new SimulatedLog(_cluster), "app", new SimulatedClock(_world));
        Beat();
        Until(reader, () => reader.State.PlannerBeats == 1);

        _cluster.Denied.Add(Topic);
        Beat();
        long deniedAt = _world.Now;
        Until(reader, () => _world.Now - deniedAt > 5_000_000);
        Assert.That(reader.Failure, Is.Null);
        Assert.That(reader.State.PlannerBeats, Is.EqualTo(1));
        Assert.That(reader.Waiting, Does.Contain(Topic));

        _cluster.Denied.Remove(Topic);
        Until(reader, () => reader.State.PlannerBeats == 2);
        Assert.That(reader.Waiting, Is.Null);
    }

    [Test]
    public void A_control_log_that_is_gone_is_final()
    {
        using ControlReader reader = new(new SimulatedLog(_cluster), "app", new SimulatedClock(_world));
        Beat();
        Until(reader, () => reader.State.PlannerBeats == 1);

        _cluster.DeleteTopic(Topic);
        Until(reader, () => reader.Failure is not null);
        Assert.That(reader.Failure, Does.Contain("UnknownPartition"));
    }

    private void Beat() => _cluster.Append(Topic, PlannerBeat.Key(), new PlannerBeat("own", "i", 0, false).Value(), 0);

    private void Until(ControlReader reader, Func<bool> reached) => _world.RunUntil(() =>
    {
        reader.Poll(TimeSpan.Zero, CancellationToken.None);
        return reached();
    });
}
