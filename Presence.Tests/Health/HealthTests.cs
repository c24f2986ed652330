using Presence.Core.Runtime;
using Presence.Host.Health;
using TaskStatus = Presence.Core.Runtime.TaskStatus;

namespace Presence.Tests.Health;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class HealthTests
{
    private const long Now = 1_700_000_000_000;

    [Test]
    public void A_restoring_instance_lives_but_is_not_ready()
    {
        InstanceStatus status = Status(InstanceState.Running, Task(0, TaskState.Running), Task(1, TaskState.Restoring));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(HealthEndpoints.Live(status, Now), Is.Null);
            Assert.That(HealthEndpoints.Started(status), Is.Null);
            Assert.That(HealthEndpoints.Ready(status), Does.Contain("1 of 2 tasks"));
        }
    }

    [Test]
    public void An_instance_that_waits_for_its_broker_lives()
    {
        InstanceStatus status = Status(InstanceState.Joining) with { Reason = "the broker cannot be reached" };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(HealthEndpoints.Live(status, Now), Is.Null);
            Assert.That(HealthEndpoints.Started(status), Does.Contain("cannot be reached"));
            Assert.That(HealthEndpoints.Ready(status), Does.Contain("cannot be reached"));
        }
    }

    [Test]
    public void A_loop_that_stands_still_is_not_alive()
    {
        InstanceStatus status = Status(InstanceState.Running, Task(0, TaskState.Running));

        Assert.That(HealthEndpoints.Live(status, Now + 29_000), Is.Null);
        Assert.That(HealthEndpoints.Live(status, Now + 31_000), Does.Contain("31 s"));
    }

    [Test]
    public void A_failed_instance_is_not_alive_and_says_why() =>
        Assert.That(HealthEndpoints.Live(Status(InstanceState.Failed) with { Reason = "the disk is full" }, Now), Is.EqualTo("the disk is full"));

    [Test]
    public void A_stopped_task_makes_an_instance_not_ready() =>
        Assert.That(HealthEndpoints.Ready(Status(InstanceState.Running, Task(0, TaskState.Stopped))), Is.Not.Null);

    private static InstanceStatus Status(InstanceState state, params TaskStatus[] tasks) => new("a", "1", state, null, tasks, Now);

    private static TaskStatus Task(int partition, TaskState state) => new(new TaskId("walk-in", partition), "active", state, 0, null, 0, 0, null, 0, 0, 0, 0);
}
