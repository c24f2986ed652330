using Microsoft.Extensions.Time.Testing;
using Presence.Host.Web.Status;

namespace Presence.Tests.Web;

[Parallelizable(ParallelScope.All)]
public sealed class RestorePaceTests
{
    [Test]
    public void The_time_left_follows_from_the_pace_seen()
    {
        FakeTimeProvider time = new();
        RestorePace pace = new(time);
        Assert.That(pace.Observe(10_000), Is.Null, "one look is no pace");
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(pace.Observe(9_000), Is.EqualTo(9).Within(0.01));
        time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.That(pace.Observe(9_000), Is.EqualTo(9).Within(0.01), "many who look do not make it slower");
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(pace.Observe(50_000), Is.EqualTo(50).Within(0.01), "another task has begun");
        Assert.That(pace.Observe(0), Is.Null);
    }
}
