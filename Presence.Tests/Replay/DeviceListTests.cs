using Presence.Host.Replay;

namespace Presence.Tests.Replay;

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class DeviceListTests : IDisposable
{
    private readonly TemporaryFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Test]
    public void A_list_has_one_device_a_line_and_comments() =>
        Assert.That(
            DeviceList.Read(_files.Write("pcs.txt", "# the PCs\r\nDC:FB:48:68:BE:E4\r\n\r\n  dc-fb-48-8c-71-fc # by the window\ndc:fb:48:68:be:e4")),
            Is.EqualTo(new[] { "dc:fb:48:68:be:e4", "dc:fb:48:8c:71:fc" }));

    [Test]
    public void Every_line_that_is_no_device_is_named() =>
        Assert.That(() => DeviceList.Read(_files.Write("pcs.txt", "printer\ndc:fb:48:68:be:e4\nphone")), Throws.TypeOf<CaptureException>().With.Message.Contains("line 1: 'printer'").And.Message.Contains("line 3: 'phone'"));
}
