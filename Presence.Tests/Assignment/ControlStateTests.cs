using System.Text;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Runtime;

namespace Presence.Tests.Assignment;

/// <summary>What an instance makes of records of other versions, and of members that do not fit.</summary>
internal sealed class ControlStateTests
{
    private static readonly StageShape WalkIn = new("walk-in", 4);

    [TestCase("plan")]
    [TestCase("planner")]
    [TestCase("incarnation/a")]
    [TestCase("share/a")]
    public void A_record_of_a_newer_version_is_named_and_changes_nothing(string key)
    {
        ControlState state = Known();
        byte[] value = new byte[64];
        value[0] = 99;
        Apply(state, Encoding.UTF8.GetBytes(key), value);
        Assert.That(state.Unreadable, Is.EqualTo(key));
        Assert.That(state.PlanNumber, Is.EqualTo(7));
        Assert.That(state.Incarnations["a"].State, Is.EqualTo(IncarnationState.Live));
    }

    [Test]
    public void What_the_running_versions_write_is_read() => Assert.That(Known().Unreadable, Is.Null);

    [Test]
    public void An_incarnation_of_the_version_before_fleets_is_read()
    {
        ControlState state = new();
        Apply(state, "incarnation/old"u8.ToArray(), [1, 2, 0, 5, 0, 0, 0, 0, 0, 0, 0, .. "shop-1"u8]);
        Assert.That(state.Incarnations["old"], Is.EqualTo(new Incarnation("old", "shop-1", 2, IncarnationState.Live, 5)));
    }

    [Test]
    public void A_plan_that_comes_late_is_none()
    {
        ControlState state = Known();
        PlanHeader late = state.Plan! with { Number = 6 };
        Apply(state, Encoding.UTF8.GetBytes(PlanHeader.KeyText), late.Value());
        Assert.That(state.PlanNumber, Is.EqualTo(7));
    }

    [TestCase(4, IncarnationState.Live, "")]
    [TestCase(6, IncarnationState.Refused, "it sees 6 partitions of walk-in, the fleet's plan has 4")]
    public void A_newcomer_with_other_partition_counts_is_refused_and_told_why(int partitions, IncarnationState expected, string reason)
    {
        using FleetView view = new(null!, "app", "a", TimeSpan.FromSeconds(3), TimeProvider.System);
        Announcement newcomer = new("b", 1, "shop-2", "", "", MemberState.Alive, 2, 0, [new StageShape("walk-in", partitions)], []);
        ((ILogReceiver)view).OnRecord(0, new LogRecord { Offset = 0, Timestamp = 0, Key = newcomer.Key(), HasKey = true, Value = newcomer.Value(), HasValue = true });
        InstanceOptions options = new() { ApplicationId = "app", InstanceId = "shop-1", DeadLetterTopic = "dead-letter" };
        PlanDraft draft = new(options, "a", Known(), view, [], now: 1_000);
        draft.JudgeMembers(_ => false);
        (byte[] Key, byte[]? Value) written = draft.Records.Single(r => Encoding.UTF8.GetString(r.Key) == "incarnation/b");
        Incarnation judged = Incarnation.Read("b", written.Value)!;
        Assert.That(judged.State, Is.EqualTo(expected));
        Assert.That(judged.Reason, Does.StartWith(reason));
    }

    private static ControlState Known()
    {
        ControlState state = new();
        Incarnation incarnation = new("a", "shop-1", 2, IncarnationState.Live, 1);
        Apply(state, incarnation.Key(), incarnation.Value());
        PlanHeader plan = new(7, 1, "shop-1", [], [WalkIn], []);
        Apply(state, Encoding.UTF8.GetBytes(PlanHeader.KeyText), plan.Value());
        return state;
    }

    private static void Apply(ControlState state, byte[] key, byte[] value) => state.Apply(key, value, hasValue: true);
}
