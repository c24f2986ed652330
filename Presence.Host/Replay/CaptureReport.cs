namespace Presence.Host.Replay;

/// <summary>What became of the rows (CSV) or frames (pcap) of one capture. Filled while it is read.</summary>
public sealed class CaptureReport(string file)
{
    /// <summary>Skipped rows that are named one by one; the others are only counted.</summary>
    public const int ExamplesMax = 5;

    private readonly long[] _skipped = new long[Enum.GetValues<CaptureSkip>().Length];
    private readonly List<string> _examples = [];

    /// <summary>The file as it was named.</summary>
    public string File { get; } = file;

    /// <summary>Rows or frames seen, those without use included.</summary>
    public long Rows { get; private set; }

    /// <summary>Probes read.</summary>
    public long Probes { get; private set; }

    /// <summary>Frames that are no probe requests: a capture may hold anything that was in the air.</summary>
    public long OtherFrames { get; private set; }

    /// <summary>Probes that lie before one already handed out, by more than the sorting window can mend.</summary>
    public long Disordered { get; internal set; }

    /// <summary>Something worth knowing about the file as a whole, such as that it ends within a frame; null when there is nothing.</summary>
    public string? Note { get; internal set; }

    /// <summary>The first skipped rows, each with file, line and reason.</summary>
    public IReadOnlyList<string> Examples => _examples;

    /// <summary>Rows skipped for all reasons.</summary>
    public long SkippedTotal => _skipped.Sum();

    /// <summary>Rows skipped for one reason.</summary>
    public long Skipped(CaptureSkip reason) => _skipped[(int)reason];

    /// <summary>Lines for people: one summary, then what was skipped and why.</summary>
    public IEnumerable<string> Lines()
    {
        string others = OtherFrames > 0 ? $", {OtherFrames} other frames passed over" : "";
        yield return $"{File}: {Probes} probes of {Rows} rows{others}{(SkippedTotal > 0 ? $", {SkippedTotal} skipped:" : "")}";
        foreach (CaptureSkip reason in Enum.GetValues<CaptureSkip>())
        {
            if (Skipped(reason) > 0)
                yield return $"  {Skipped(reason)} {Describe(reason)}";
        }

        foreach (string example in _examples)
            yield return $"  {example}";
        if (SkippedTotal > _examples.Count)
            yield return $"  … and {SkippedTotal - _examples.Count} more";
        if (Disordered > 0)
            yield return $"  {Disordered} probes stood more than {CaptureSort.WindowProbes} rows behind their place in time and are replayed late";
        if (Note is not null)
            yield return $"  {Note}";
    }

    internal void CountRow() => Rows++;

    internal void CountProbe() => Probes++;

    internal void CountOtherFrame() => OtherFrames++;

    // place: "line 12", "frame 7"; detail: "column rssi: 'abc' is not …"
    internal void Skip(CaptureSkip reason, string place, string detail)
    {
        _skipped[(int)reason]++;
        if (_examples.Count < ExamplesMax)
            _examples.Add($"{File}, {place}: {detail}");
    }

    private static string Describe(CaptureSkip reason) => reason switch
    {
        CaptureSkip.ShortRow => "with too few fields",
        CaptureSkip.Time => "without a usable time",
        CaptureSkip.Device => "without a MAC address as source",
        CaptureSkip.RssiMissing => "without a signal strength",
        CaptureSkip.RssiUnusable => "with a signal strength that is not a whole number from -127 to 0 dBm",
        CaptureSkip.BadChecksum => "with a bad checksum",
        _ => "cut off or malformed",
    };
}
