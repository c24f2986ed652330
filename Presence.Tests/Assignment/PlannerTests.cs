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
        using Role role = new(_world);
        Hear(role.View, "own", "planner");
        role.Until(() => role.Control.Incarnations.ContainsKey("own"));

        // The own beats do not come back any more: who knows what the other one has said since.
        long beats = role.Control.PlannerBeats;
        long silentSince = _world.Now;
        role.Until(() => _world.Now - silentSince > Options.HeartbeatTimeout.TotalMicroseconds);
        Hear(role.View, "other", "i1");
        role.Until(() => _world.Now - silentSince > 2 * Options.HeartbeatTimeout.TotalMicroseconds);
        Assert.That(role.Control.Incarnations.Keys, Has.None.EqualTo("other"));
        Assert.That(role.Control.PlannerBeats, Is.GreaterThan(beats), "it lives");
        role.Until(() => role.Planner.Waiting?.StartsWith("its own announcements", StringComparison.Ordinal) == true);

        Hear(role.View, "own", "planner");
        role.Until(() => role.Control.Incarnations.ContainsKey("other"));
    }

    [Test]
    public void A_plan_that_the_log_does_not_take_is_waited_for_in_the_open_and_not_for_ever()
    {
        using Role role = new(_world);
        Hear(role.View, "own", "planner");
        role.Until(() => role.Control.Incarnations.ContainsKey("own"));

        for (int broker = 0; broker < role.Log.Cluster.Options.Brokers; broker++)
            role.Log.Cluster.StopBroker(broker, TimeSpan.FromMinutes(10));
        long silentSince = _world.Now;
        role.Until(() => role.Planner.Waiting?.StartsWith("the log to take its plan", StringComparison.Ordinal) == true);
        role.Until(() => role.Planner.Failure is not null);
        Assert.That(role.Planner.Failure, Does.StartWith("the log has not taken its plan"));
        Assert.That(_world.Now - silentSince, Is.InRange(60_000_000, 70_000_000), "virtual µs");
    }

    // A planner, with what it reads.
    private sealed class Role : IDisposable
    {
        private readonly SimulatedWorld _world;
        private readonly ControlReader _reader;

        public Role(SimulatedWorld world)
        {
            _world = world;
            Log = new SimulatedLog(new SimulatedCluster(world));
            foreach (TopicSpecification topic in ControlTopics.Specifications(Options.ApplicationId, null))
                Log.Cluster.CreateTopic(topic);
            SimulatedClock time = new(world);
            _reader = new ControlReader(Log, Options.ApplicationId, time);
            View = new FleetView(Log, Options.ApplicationId, "own", Options.HeartbeatTimeout, time);
            Lifecycle lifecycle = new(NullLogger.Instance, new RuntimeMetrics(new UnheardMeters()), time, []);
            Planner = new Planner(Log, Options, "own", _reader, View, time, lifecycle, NullLogger.Instance);
        }

        public SimulatedLog Log { get; }

        public FleetView View { get; }

        public Planner Planner { get; }

        public ControlState Control => _reader.State;

        public void Until(Func<bool> reached) => _world.RunUntil(() =>
        {
            _reader.Poll(TimeSpan.Zero, CancellationToken.None);
            Planner.Step(CancellationToken.None);
            return reached();
        });

        public void Dispose()
        {
            Planner.Dispose();
            View.Dispose();
            _reader.Dispose();
        }
    }

    private void Hear(FleetView view, string incarnation, string instance)
    {
        Announcement said = new(incarnation, ++_sequence, instance, "", "", MemberState.Alive, 1, 0, [], []);
        long at = SimulatedClock.Epoch.ToUnixTimeMilliseconds() + (_world.Now / 1000);
        ((ILogReceiver)view).OnRecord(0, new LogRecord { Offset = _sequence, Timestamp = at, Key = said.Key(), HasKey = true, Value = said.Value(), HasValue = true });
    }
}
