using Presence.Host.Replay;

namespace Presence.Tests.Replay;

[TestFixture, Parallelizable(ParallelScope.All), FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class CsvCaptureTests : IDisposable
{
    private const string Header = "datetime;dst;src;src_vendor;randomized;rssi;idx;seq_num;ch_freq;FCfield;ssid;dot11elt;oui;occupancy";

    private readonly TemporaryFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Test]
    public void A_row_becomes_a_probe_with_its_time_cut_to_whole_milliseconds()
    {
        (List<CapturedProbe> probes, CaptureReport report) = Read(Header + "\n2024-02-08 14:56:29.121999;ff:ff:ff:ff:ff:ff;68:EC:C5:24:03:44;Intel Corporate;0;-84;0;4065;2422;;;[0, 1, 50, 45];[];4.0\n");

        Assert.That(probes, Is.EqualTo(new[] { new CapturedProbe(Ms("2024-02-08T14:56:29.121Z"), "68:ec:c5:24:03:44", "lobby", -84, false) }));
        Assert.That(report.SkippedTotal, Is.Zero);
    }

    [TestCase("rssi,randomized,src,datetime\r\n-60,1,d6:f6:fb:a2:c5:ab,2024-02-08T14:56:36Z\r\n")]
    [TestCase("\uFEFF\"RSSI\";\"src\";\"datetime\"\n\n\"-60\";\"d6-f6-fb-a2-c5-ab\";\"2024-02-08 15:56:36+01:00\"\n\n")]
    [TestCase("src\tnote\trssi\tdatetime\nd6f6fba2c5ab\tx\t-60.0\t1707404196.0009\n")]
    public void Columns_are_found_by_name_in_any_order_quoted_or_not(string text)
    {
        (List<CapturedProbe> probes, CaptureReport report) = Read(text);

        Assert.That(probes, Is.EqualTo(new[] { new CapturedProbe(Ms("2024-02-08T14:56:36Z"), "d6:f6:fb:a2:c5:ab", "lobby", -60, true) }));
        Assert.That(report.SkippedTotal, Is.Zero);
    }

    [Test]
    public void The_column_randomized_counts_before_the_bit_of_the_address()
    {
        (List<CapturedProbe> probes, _) = Read("datetime;src;rssi;randomized\n" + Row("d6:00:00:00:00:01", "-60") + ";0\n" + Row("d4:00:00:00:00:01", "-60") + ";1\n" + Row("d6:00:00:00:00:01", "-60") + ";\n");

        Assert.That(probes.Select(p => p.Randomized), Is.EqualTo(new[] { false, true, true }));
    }

    [TestCase("", CaptureSkip.RssiMissing)]
    [TestCase("nan", CaptureSkip.RssiMissing)]
    [TestCase("1", CaptureSkip.RssiUnusable)]
    [TestCase("-128", CaptureSkip.RssiUnusable)]
    [TestCase("-60.5", CaptureSkip.RssiUnusable)]
    [TestCase("loud", CaptureSkip.RssiUnusable)]
    public void A_row_without_a_usable_rssi_is_counted_named_and_passed_over(string rssi, CaptureSkip reason)
    {
        (List<CapturedProbe> probes, CaptureReport report) = Read("datetime;src;rssi\n" + Row("d4:00:00:00:00:01", rssi) + "\n" + Row("d4:00:00:00:00:02", "-60") + "\n");

        Assert.That(probes.Single().Device, Is.EqualTo("d4:00:00:00:00:02"));
        Assert.That(report.Skipped(reason), Is.EqualTo(1));
        Assert.That(report.Examples.Single(), Does.Contain("lobby.csv, line 2: column rssi"));
    }

    [Test]
    public void Rows_that_cannot_be_read_are_named_with_line_column_and_value()
    {
        (List<CapturedProbe> probes, CaptureReport report) = Read(
            "datetime;src;rssi\nyesterday;d4:00:00:00:00:01;-60\n2024-02-30 10:00:00;d4:00:00:00:00:01;-60\n1999-12-31 23:59:59;d4:00:00:00:00:01;-60\n" + Row("d4:00:00:00:00", "-60") + "\n2024-02-08 10:00:00;d4\n");

        Assert.That(probes, Is.Empty);
        Assert.That((report.Skipped(CaptureSkip.Time), report.Skipped(CaptureSkip.Device), report.Skipped(CaptureSkip.ShortRow)), Is.EqualTo((3, 1, 1)));
        Assert.That(report.Examples[0], Does.Contain("line 2: column datetime: 'yesterday'"));
        Assert.That(report.Examples[3], Does.Contain("line 5: column src: 'd4:00:00:00:00'"));
        Assert.That(report.Examples[4], Does.Contain("line 6: the row has 2 fields, the header 3"));
    }

    [Test]
    public void A_quotation_mark_that_is_never_closed_costs_no_other_row()
    {
        (List<CapturedProbe> probes, CaptureReport report) = Read(
            "datetime;src;ssid;rssi\n2024-02-08 10:00:00;d4:00:00:00:00:01;\"guest;-60\n2024-02-08 10:00:01;d4:00:00:00:00:02;a \"b\" c;-61\n2024-02-08 10:00:02;d4:00:00:00:00:03;\"x\"\"y\n;z\";-62\n2024-02-08 10:00:03;d4:00:00:00:00:04;;-63\n");

        Assert.That(probes.Select(p => p.Rssi), Is.EqualTo(new[] { -60, -61, -62, -63 }));
        Assert.That(report.SkippedTotal, Is.Zero);
    }

    [TestCase("datetime;src\n", "neither pcap")]
    [TestCase("hello\n", "neither pcap")]
    [TestCase("", "is empty")]
    [TestCase("datetime;src;rssi;rssi\n", "names rssi twice")]
    public void What_is_no_capture_is_refused_with_the_reason(string text, string reason) =>
        Assert.That(() => Read(text), Throws.TypeOf<CaptureException>().With.Message.Contains(reason).And.Message.Contains("lobby.csv"));

    [Test]
    public void A_file_out_of_order_is_sorted()
    {
        (List<CapturedProbe> probes, CaptureReport report) = Read("datetime;src;rssi\n2024-02-08 10:00:02;d4:00:00:00:00:03;-60\n2024-02-08 10:00:00;d4:00:00:00:00:01;-60\n2024-02-08 10:00:01;d4:00:00:00:00:02;-60\n");

        Assert.That(probes.Select(p => p.Device[^1]), Is.EqualTo("123"));
        Assert.That(report.Disordered, Is.Zero);
    }

    [Test]
    public void What_stands_further_out_of_order_than_the_window_is_late_and_counted()
    {
        CaptureReport report = new("x");
        long[] times = [.. CaptureSort.Sorted(new long[] { 5, 6, 7, 1 }.Select(t => new CapturedProbe(t, "d", "a", -60, false)), report, window: 2).Select(p => p.At)];

        Assert.That(times, Is.EqualTo(new long[] { 5, 1, 6, 7 }));
        Assert.That(report.Disordered, Is.EqualTo(1));
    }

    [Test]
    public void Several_files_zipped_or_not_are_merged_by_time_and_keep_their_access_points()
    {
        string first = _files.Write("ap-1.csv", "datetime;src;rssi\n2024-02-08 10:00:00;d4:00:00:00:00:01;-60\n2024-02-08 10:00:02;d4:00:00:00:00:01;-60\n");
        string second = _files.Write("ap-2.a.csv.gz", TemporaryFiles.Zip(System.Text.Encoding.UTF8.GetBytes("datetime;src;rssi\n2024-02-08 10:00:01;d4:00:00:00:00:01;-60\n2024-02-08 10:00:02;d4:00:00:00:00:01;-60\n")));

        CaptureFile[] files = [CaptureFile.Open(first, TimeZoneInfo.Utc), CaptureFile.Open(second, TimeZoneInfo.Utc)];

        Assert.That(CaptureMerge.Merged(files).Select(p => $"{p.AccessPoint}@{p.At % 10_000}"), Is.EqualTo(new[] { "ap-1@0", "ap-2@1000", "ap-1@2000", "ap-2@2000" }));
    }

    [Test]
    public void A_damaged_zip_is_refused_with_the_place()
    {
        System.Text.StringBuilder text = new("datetime;src;rssi\n");
        Random random = new(3);
        for (int i = 0; i < 20_000; i++)
            text.Append("2024-02-08 10:00:00;d4:00:00:").Append(Convert.ToHexString([(byte)random.Next(256)])).Append(":00:01;-60\n");
        byte[] zipped = TemporaryFiles.Zip(System.Text.Encoding.UTF8.GetBytes(text.ToString()));
        zipped.AsSpan(zipped.Length / 2, 200).Fill(0xff);
        CaptureFile file = CaptureFile.Open(_files.Write("lobby.csv.gz", zipped), TimeZoneInfo.Utc);

        Assert.That(() => file.Read().Count(), Throws.TypeOf<CaptureException>().With.Message.Contains("lobby.csv.gz: cannot be read on after row"));
    }

    [TestCase("my ap|1.csv.gz", "my-ap-1")]
    [TestCase("2024-03-14_ap1.csv.gz", "2024-03-14_ap1")]
    [TestCase(".hidden.csv", ".hidden")]
    [TestCase("plain", "plain")]
    public void The_access_point_is_the_name_without_its_endings(string name, string accessPoint) =>
        Assert.That(CaptureFile.AccessPointOf("/somewhere/" + name), Is.EqualTo(accessPoint));

    private (List<CapturedProbe> Probes, CaptureReport Report) Read(string text)
    {
        CaptureFile file = CaptureFile.Open(_files.Write("lobby.csv", text), TimeZoneInfo.Utc);
        return ([.. file.Read()], file.Report);
    }

    private static string Row(string mac, string rssi) => $"2024-02-08 10:00:00;{mac};{rssi}";

    private static long Ms(string time) => DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
}
