using Presence.Core.Runtime;
using Presence.Host.Hosting;

namespace Presence.Tests.Hosting;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class SystemdReporterTests
{
    [TestCase("60000000", 60)]
    [TestCase("0", null)]
    [TestCase("", null)]
    [TestCase(null, null)]
    public void The_time_out_is_read_as_systemd_states_it(string? text, int? seconds) =>
        Assert.That(SystemdReporter.TimeoutOf(text)?.TotalSeconds, Is.EqualTo(seconds));

    [TestCase(29_999, true)]
    [TestCase(30_000, false)]
    public void A_loop_that_is_stuck_for_half_the_time_out_silences_the_watchdog(long behind, bool alive) =>
        Assert.That(SystemdReporter.IsAlive(Status(lastProgress: 1_000_000), 1_000_000 + behind, TimeSpan.FromSeconds(60)), Is.EqualTo(alive));

    [Test]
    public void The_status_line_tells_what_is_left_to_restore() =>
        Assert.That(SystemdReporter.Describe(Status(0)), Is.EqualTo("Running: 1 of 2 tasks run, 70 records to restore; a reason on two lines"));

    private static InstanceStatus Status(long lastProgress) => new(
        "i",
        "x",
        InstanceState.Running,
        "a reason\non two lines",
        [Task(0, TaskState.Running, 0), Task(1, TaskState.Restoring, 70)],
        lastProgress);

    private static Presence.Core.Runtime.TaskStatus Task(int partition, TaskState state, long remaining) =>
        new(new TaskId("walk-in", partition), "active", state, 0, null, 0, 0, null, 0, remaining, 0, 0);
}
