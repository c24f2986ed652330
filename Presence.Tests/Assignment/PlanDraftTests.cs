using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Core.Runtime;

namespace Presence.Tests.Assignment;

/// <summary>What a planner makes of the control log and of what it has heard.</summary>
internal sealed class PlanDraftTests
{
    private static readonly InstanceOptions Options = new() { ApplicationId = "presence", InstanceId = "planner", DeadLetterTopic = "dead-letter" };

    [Test]
    public void An_incarnation_that_is_done_with_does_not_join_again_when_a_gap_has_hidden_its_silence()
    {
        ControlState control = new();
        Put(control, new Incarnation("own", "planner", 1, IncarnationState.Live, 0));
        Incarnation before = new("before", "i1", 1, IncarnationState.Condemned, 0);
        Put(control, before);
        control.Apply(before.Key(), default, hasValue: false);
        Put(control, new Incarnation("now", "i1", 1, IncarnationState.Live, 0));

        // Heard while it lived; since then another planner has fenced it, and the own beats had a gap.
        using FleetView view = new(new SimulatedLog(new SimulatedCluster(new SimulatedWorld(1))), "presence", "own", TimeSpan.FromSeconds(2), TimeProvider.System);
        Hear(view, "before", "i1", at: 0);
        Hear(view, "now", "i1", at: 10_000);
        Hear(view, "own", "planner", at: 100_000);

        PlanDraft draft = new(Options, "own", control, view, [], now: 100_000);
        draft.JudgeMembers(_ => false);

        Assert.That(draft.Reasons, Is.Empty);
    }

    private static void Put(ControlState control, Incarnation incarnation) => control.Apply(incarnation.Key(), incarnation.Value(), hasValue: true);

    private static void Hear(FleetView view, string incarnation, string instance, long at)
    {
        Announcement said = new(incarnation, 1, instance, "", "", MemberState.Alive, 1, 0, [], []);
        ((ILogReceiver)view).OnRecord(0, new LogRecord { Offset = at, Timestamp = at, Key = said.Key(), HasKey = true, Value = said.Value(), HasValue = true });
    }
}
