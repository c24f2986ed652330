using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;
using Presence.Tests.Simulation;
using Presence.Tests.Telemetry;

namespace Presence.Tests.Assignment;

/// <summary>When a planner decides, in virtual time and without faults.</summary>
internal sealed class PlannerTests
{
    private static readonly InstanceOptions Options = new() { ApplicationId = "presence", InstanceId = "planner", DeadLetterTopic = "dead-letter", InitialRebalanceDelay = TimeSpan.Zero };

    private readonly SimulatedWorld _world = new(1);
    private long _sequence;

    [Test]
    public void Nothing_is_decided_while_what_others_say_cannot_be_heard()
    {
        SimulatedLog log = new(new SimulatedCluster(_world));
        foreach (TopicSpecification topic in ControlTopics.Specifications(Options.ApplicationId, null))
            log.Cluster.CreateTopic(topic);
        SimulatedClock time = new(_world);
        RuntimeMetrics metrics = new(new UnheardMeters());
        using ControlReader reader = new(log, Options.ApplicationId, time);
        using FleetView view = new(log, Options.ApplicationId, "own", Options.HeartbeatTimeout, time);
        using Planner planner = new(log, Options, "own", reader, view, time, new Lifecycle(NullLogger.Instance, metrics, time, []), NullLogger.Instance);
        void Until(Func<bool> reached) => _world.RunUntil(() =>
        {
            reader.Poll(TimeSpan.Zero, CancellationToken.None);
            planner.Step(CancellationToken.None);
            return reached();
        });

        Hear(view, "own", "planner");
        Until(() => reader.State.Incarnations.ContainsKey("own"));

        // The own beats do not come back any more: who knows what the other one has said since.
        long beats = reader.State.PlannerBeats;
        long silentSince = _world.Now;
        Until(() => _world.Now - silentSince > Options.HeartbeatTimeout.TotalMicroseconds);
        Hear(view, "other", "i1");
        Until(() => _world.Now - silentSince > 2 * Options.HeartbeatTimeout.TotalMicroseconds);
        Assert.That(reader.State.Incarnations.Keys, Has.None.EqualTo("other"));
        Assert.That(reader.State.PlannerBeats, Is.GreaterThan(beats), "it lives");
        Until(() => planner.Waiting?.StartsWith("its own announcements", StringComparison.Ordinal) == true);

        Hear(view, "own", "planner");
        Until(() => reader.State.Incarnations.ContainsKey("other"));
    }

    private void Hear(FleetView view, string incarnation, string instance)
    {
        Announcement said = new(incarnation, ++_sequence, instance, "", "", MemberState.Alive, 1, 0, [], []);
        long at = SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (_world.Now / 1000);
        ((ILogReceiver)view).OnRecord(0, new LogRecord { Offset = _sequence, Timestamp = at, Key = said.Key(), HasKey = true, Value = said.Value(), HasValue = true });
    }
}
