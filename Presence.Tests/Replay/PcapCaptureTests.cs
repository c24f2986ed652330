using Presence.Host.Replay;

namespace Presence.Tests.Replay;

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PcapCaptureTests : IDisposable
{
    private const long At = 1_710_424_447_533;

    private readonly TemporaryFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Test]
    public void Frames_are_read_in_either_byte_order_and_resolution([Values] bool little, [Values] bool nano, [Values] bool zipped)
    {
        byte[] content = CapturePackets.Pcap(little, nano, 127, (At, CapturePackets.Frame("dc:fb:48:de:86:8d", -43)), (At + 1, CapturePackets.Frame("e2:6d:f2:2c:f2:f2", -63)));

        (List<CapturedProbe> probes, CaptureReport report) = Read(zipped ? TemporaryFiles.Zip(content) : content);

        Assert.That(probes, Is.EqualTo(new[]
        {
            new CapturedProbe(At, "dc:fb:48:de:86:8d", "ap1", -43, false),
            new CapturedProbe(At + 1, "e2:6d:f2:2c:f2:f2", "ap1", -63, true),
        }));
        Assert.That(report.SkippedTotal, Is.Zero);
    }

    [Test]
    public void Pcapng_is_read_in_either_byte_order_and_any_resolution([Values] bool little, [Values(null, 3, 9, 0x8a)] int? resolution)
    {
        ulong Units(long ms) => resolution switch { null => (ulong)ms * 1000, 3 => (ulong)ms, 9 => (ulong)ms * 1_000_000, _ => (ulong)Math.Ceiling(ms * 1.024m) };
        byte[] content = CapturePackets.PcapNg(little, (byte?)resolution, Units, (At, CapturePackets.Frame("dc:fb:48:de:86:8d", -43)));

        (List<CapturedProbe> probes, _) = Read(content);

        Assert.That(probes, Is.EqualTo(new[] { new CapturedProbe(At, "dc:fb:48:de:86:8d", "ap1", -43, false) }));
    }

    [Test]
    public void Only_sound_probe_requests_with_a_signal_strength_are_taken()
    {
        (List<CapturedProbe> probes, CaptureReport report) = Read(CapturePackets.Pcap(true, false, 127,
            (At, CapturePackets.Frame("dc:fb:48:de:86:01", -43, frameControl: 0x80)), // a beacon
            (At, CapturePackets.Frame("dc:fb:48:de:86:02", -43, frameControl: 0x48)), // data of subtype 4
            (At, CapturePackets.Frame("dc:fb:48:de:86:03", -43, flags: 0x40)),
            (At, CapturePackets.Frame("dc:fb:48:de:86:04", -43, hasSignal: false)),
            (At, CapturePackets.Frame("dc:fb:48:de:86:05", 20)),
            (At, CapturePackets.Frame("dc:fb:48:de:86:06", -43)[..30]),
            (At, [1, 2, 3]),
            (At, CapturePackets.Frame("dc:fb:48:de:86:08", -43))));

        Assert.That(probes.Select(p => p.Device[^1]), Is.EqualTo("8"));
        Assert.That(report.OtherFrames, Is.EqualTo(2));
        Assert.That(
            (report.Skipped(CaptureSkip.BadChecksum), report.Skipped(CaptureSkip.RssiMissing), report.Skipped(CaptureSkip.RssiUnusable), report.Skipped(CaptureSkip.Malformed)),
            Is.EqualTo((1, 1, 1, 2)));
    }

    [Test]
    public void The_signal_of_the_first_antenna_is_taken_where_each_has_its_own()
    {
        // Two words of fields: the common ones, then (bit 29 of the first) one set per antenna with signal and number.
        byte[] frame = [0, 0, 21, 0, 0x02, 0, 0, 0xa0, 0x20, 0x08, 0, 0x20 | 0x80, 0x20, 0x08, 0, 0, 0x10, 0xd8, 0x00, 0xc0, 0x01];
        // version, pad, length, flags|29|31, signal|antenna|29|31, signal|antenna; flags, -40, antenna 0, -64, antenna 1
        byte[] body = CapturePackets.Frame("dc:fb:48:de:86:8d", 0)[23..];

        (List<CapturedProbe> probes, _) = Read(CapturePackets.Pcap(true, false, 127, (At, [.. frame, .. body])));

        Assert.That(probes.Single().Rssi, Is.EqualTo(-40));
    }

    [Test]
    public void A_capture_that_was_interrupted_gives_what_it_has_and_says_so([Values] bool isNg)
    {
        (long, byte[])[] packets = [(At, CapturePackets.Frame("dc:fb:48:de:86:01", -43)), (At, CapturePackets.Frame("dc:fb:48:de:86:02", -43))];
        byte[] content = isNg ? CapturePackets.PcapNg(true, null, ms => (ulong)ms * 1000, packets) : CapturePackets.Pcap(true, false, 127, packets);

        for (int cut = 1; cut < 60; cut++)
        {
            (List<CapturedProbe> probes, CaptureReport report) = Read(content[..^cut]);
            Assert.That(probes.Single().Device, Does.EndWith("01"), $"{cut} bytes cut");
            Assert.That(report.Note, Does.Contain("ends within"), $"{cut} bytes cut");
        }
    }

    [Test]
    public void A_link_type_without_signal_strength_is_refused() =>
        Assert.That(() => Read(CapturePackets.Pcap(true, false, 1, (At, new byte[60]))), Throws.TypeOf<CaptureException>().With.Message.Contains("link type 1;"));

    [Test]
    public void Damage_is_refused_and_never_taken_for_data()
    {
        byte[] good = CapturePackets.PcapNg(true, 9, ms => (ulong)ms * 1_000_000, (At, CapturePackets.Frame("dc:fb:48:de:86:01", -43)), (At, CapturePackets.Frame("dc:fb:48:de:86:02", -43)));
        byte[] classic = CapturePackets.Pcap(true, false, 127, (At, CapturePackets.Frame("dc:fb:48:de:86:01", -43)), (At, CapturePackets.Frame("dc:fb:48:de:86:02", -43)));
        Random random = new(7);
        for (int i = 0; i < 600; i++)
        {
            byte[] damaged = [.. i % 2 == 0 ? good : classic];
            for (int n = 0; n < 3; n++)
                damaged[random.Next(4, damaged.Length)] = (byte)random.Next(256);
            try
            {
                foreach (CapturedProbe probe in Read(damaged).Probes)
                    Assert.That(probe.Rssi, Is.InRange(-127, 0));
            }
            catch (CaptureException)
            {
                // Refused in words: as good.
            }
        }
    }

    private (List<CapturedProbe> Probes, CaptureReport Report) Read(byte[] content)
    {
        CaptureFile file = CaptureFile.Open(_files.Write("ap1.pcap", content), TimeZoneInfo.Utc);
        return ([.. file.Read()], file.Report);
    }
}
