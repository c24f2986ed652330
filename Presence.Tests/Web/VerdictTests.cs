using Presence.Core.Runtime;
using Presence.Host.Web.Status;
using TaskStatus = Presence.Core.Runtime.TaskStatus;

namespace Presence.Tests.Web;

[Parallelizable(ParallelScope.All)]
public sealed class VerdictTests
{
    private static readonly TaskStatus Well = new(new TaskId("walk-in", 0), "active", TaskState.Running, 0, null, 0, 0, null, 0, 0, 10, 100);

    private static Verdict Of(params TaskStatus[] tasks) => new StatusReader(new WebFixture.SetStatus { Tasks = tasks }, new RecentEvents(TimeProvider.System), TimeProvider.System).Read().Verdict;

    [Test]
    public void All_is_well_when_all_tasks_run() => Assert.That(Of(Well, Well with { Task = new TaskId("walk-in", 1) }), Is.EqualTo(new Verdict("well", "All is well.", "Nothing to do.")));

    [Test]
    public void A_task_that_stands_still_comes_first_with_its_reason()
    {
        Verdict verdict = Of(
            Well,
            Well with { Task = new TaskId("walk-in", 1), State = TaskState.Restoring, RestoreRemaining = 10 },
            Well with { Task = new TaskId("walk-in", 2), State = TaskState.Stopped, Reason = "Bad record at probes[2] offset 7." });
        Assert.That(verdict.Level, Is.EqualTo("attention"));
        Assert.That(verdict.Sentence, Is.EqualTo("walk-in-2 stands still: bad record at probes[2] offset 7."));
    }

    [Test]
    public void Restoring_says_how_much_is_left()
    {
        Verdict verdict = Of(Well, Well with { Task = new TaskId("walk-in", 1), State = TaskState.Restoring, Role = "restoring", RestoredRecords = 1000, RestoreRemaining = 1_500_000 });
        Assert.That(verdict.Level, Is.EqualTo("busy"));
        Assert.That(verdict.Sentence, Is.EqualTo("Restoring 1 task of 2 (1,500,000 records to go)."));
    }

    [Test]
    public void A_short_wait_for_an_input_is_nobodys_business_and_a_long_one_is()
    {
        TaskStatus waits = Well with { Reason = "waits for probes[0]: it is not read to its end", LagRecords = 5, LagSeconds = 1 };
        Assert.That(Of(waits).Level, Is.EqualTo("well"));
        Assert.That(Of(waits with { LagSeconds = 60 }).Level, Is.EqualTo("attention"));
        Assert.That(Of(waits with { Reason = "waits for probes[0]: Unreachable" }).Level, Is.EqualTo("attention"));
    }

    [Test]
    public void Far_behind_is_catching_up()
    {
        Verdict verdict = Of(Well with { LagRecords = 12_345, LagSeconds = 120 });
        Assert.That(verdict.Sentence, Is.EqualTo("Catching up: 12,345 records behind, 2 min at most."));
        Assert.That(verdict.Level, Is.EqualTo("busy"));
    }

    [TestCase(InstanceState.Failed, "down")]
    [TestCase(InstanceState.Stopped, "down")]
    [TestCase(InstanceState.Stopping, "busy")]
    [TestCase(InstanceState.Joining, "busy")]
    [TestCase(InstanceState.Starting, "busy")]
    public void An_instance_that_does_not_run_says_so_with_its_reason(InstanceState state, string level)
    {
        Verdict verdict = new StatusReader(new WebFixture.SetStatus { State = state, Reason = "Kafka is away." }, new RecentEvents(TimeProvider.System), TimeProvider.System).Read().Verdict;
        Assert.That(verdict.Level, Is.EqualTo(level));
        if (state is InstanceState.Failed or InstanceState.Joining or InstanceState.Starting)
            Assert.That(verdict.Sentence, Does.EndWith(": Kafka is away."));
        Assert.That(verdict.Next, Is.Not.Empty);
    }
}
