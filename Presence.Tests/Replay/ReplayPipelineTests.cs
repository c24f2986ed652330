using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Presence.Core.Log;
using Presence.Core.Stages.WalkIn;
using Presence.Host.Configuration;
using Presence.Host.Replay;

namespace Presence.Tests.Replay;

/// <summary>Real captures through the whole pipeline on an embedded log, as `replay` does it.</summary>
[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class ReplayPipelineTests
{
    private static readonly TimeZoneInfo Prague = TimeZoneInfo.FindSystemTimeZoneById("Europe/Prague");

    private static readonly string[] Computers =
    [
        "dc:fb:48:68:be:e4", "dc:fb:48:8c:71:fc", "dc:fb:48:2a:52:e0", "dc:fb:48:f5:c6:c2", "dc:fb:48:e3:ab:78", "dc:fb:48:00:51:90", "dc:fb:48:75:d8:42",
        "dc:fb:48:de:86:8d", "dc:fb:48:dd:c6:0b", "dc:fb:48:55:d5:78", "dc:fb:48:c2:1d:64", "40:ec:99:f9:34:a6", "40:ec:99:8e:3f:63", "40:ec:99:1f:3e:75",
    ];

    [TestCase("2024-02-08", true, 19)]
    [TestCase("2024-02-08", false, 30)]
    [TestCase("2024-02-29", true, 27)]
    [TestCase("2024-02-29", false, 39)]
    [TestCase("2024-03-14", true, 31)]
    [TestCase("2024-03-14", false, 44)]
    [TestCase("2024-03-16", true, 1)]
    [TestCase("2024-03-16", false, 1)]
    public async Task A_day_of_both_access_points_gives_the_walk_ins_known_of_it(string day, bool withoutComputers, int walkIns)
    {
        IReadOnlyList<byte[]> found = await Replay(withoutComputers ? Computers : [], Capture($"{day}_ap1.csv.gz"), Capture($"{day}_ap2.csv.gz"));

        Assert.That(found, Has.Count.EqualTo(walkIns));
        Assert.That(found.Select(w => JsonDocument.Parse(w).RootElement.GetProperty("visit").GetString()), Is.Unique);
    }

    [Test]
    public async Task A_capture_gives_the_same_walk_ins_as_pcap_and_as_CSV_in_local_time()
    {
        string[] fromCsv = [.. (await Replay([], Capture("2024-03-14_ap1.csv.gz"))).Select(System.Text.Encoding.UTF8.GetString)];
        string[] fromPcap = [.. (await Replay([], Capture("2024-03-14_ap1.pcap.gz"))).Select(System.Text.Encoding.UTF8.GetString)];

        Assert.That(fromCsv, Is.Not.Empty);
        Assert.That(fromPcap, Is.EqualTo(fromCsv));
    }

    private static async Task<IReadOnlyList<byte[]>> Replay(string[] excluded, params string[] paths)
    {
        PresenceOptions options = new()
        {
            Workers = 1,
            InstanceId = "replay-test",
            Venues = [new VenueOptions { Business = "b", Venue = "v", ExcludedDevices = excluded }],
        };
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        using EphemeralPipeline pipeline = EphemeralPipeline.Start(options, TimeProvider.System, NullLoggerFactory.Instance);
        using IRecordWriter writer = pipeline.Log.CreateWriter();
        ProbeFeeder feeder = new(writer, options.Topics.Probes, "b", "v", TimeProvider.System);
        await feeder.Feed(CaptureMerge.Merged([.. paths.Select(p => CaptureFile.Open(p, Prague))]), speed: null, () => { }, limit.Token);
        await pipeline.WorkOff(limit.Token);
        return WalkInTable.Ordered(await TopicReader.ReadAll(pipeline.Log, options.Topics.WalkIns, limit.Token));
    }

    private static string Capture(string name)
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "presence.sln")))
            directory = directory.Parent;
        string path = Path.GetFullPath(Path.Combine(directory?.FullName ?? ".", "../shared/data/probe-captures", name));
        if (!File.Exists(path))
            Assert.Ignore($"The capture {path} is not there: the real captures are kept beside the checkout, not in it.");
        return path;
    }
}
