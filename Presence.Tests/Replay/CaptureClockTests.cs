using Presence.Host.Replay;

namespace Presence.Tests.Replay;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class CaptureClockTests
{
    private static readonly TimeZoneInfo Prague = TimeZoneInfo.FindSystemTimeZoneById("Europe/Prague");

    [TestCase("2024-02-08 14:56:29.121221", "2024-02-08T13:56:29.121Z", TestName = "Winter")]
    [TestCase("2024-07-08 14:56:29,5", "2024-07-08T12:56:29.500Z", TestName = "Summer")]
    [TestCase("2024-07-08T14:56Z", "2024-07-08T14:56:00Z", TestName = "An offset of its own counts")]
    [TestCase("2024-07-08 14:56:29-0330", "2024-07-08T18:26:29Z", TestName = "Any offset")]
    [TestCase("2024-12-31 23:59:60", "2024-12-31T22:59:59Z", TestName = "A leap second is the second before")]
    [TestCase("2024-03-31 02:30:00", "2024-03-31T01:30:00Z", TestName = "An hour passed over keeps the offset before the change")]
    public void Times_are_local_to_the_zone(string text, string utc)
    {
        Assert.That(new CaptureClock(Prague).TryRead(text, out long at), Is.True);
        Assert.That(DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("O"), Is.EqualTo(DateTimeOffset.Parse(utc, System.Globalization.CultureInfo.InvariantCulture).ToString("O")));
    }

    [Test]
    public void The_hour_that_clocks_show_twice_is_read_in_the_order_of_the_rows()
    {
        CaptureClock clock = new(Prague);
        List<string> read = [];
        foreach (string row in new[] { "01:59:00", "02:10:00", "02:59:00", "02:58:50", "02:00:10", "02:45:00", "03:00:00" })
        {
            Assert.That(clock.TryRead("2024-10-27 " + row, out long at), Is.True);
            read.Add(DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture));
        }

        Assert.That(read, Is.EqualTo(new[] { "23:59:00", "00:10:00", "00:59:00", "00:58:50", "01:00:10", "01:45:00", "02:00:00" }));
    }

    [TestCase("")]
    [TestCase("2024-02-08")]
    [TestCase("2024-02-08 24:00:00")]
    [TestCase("2024-02-08 10:00:00.")]
    [TestCase("2024-02-08 10:00:00 PM")]
    [TestCase("2024-02-08 10:00:00+99:00")]
    [TestCase("-2024-02-8 10:00:00")]
    [TestCase("2101-01-01 00:00:00")]
    [TestCase("17074041960")]
    public void What_is_no_time_is_refused(string text) =>
        Assert.That(new CaptureClock(Prague).TryRead(text, out _), Is.False);
}
