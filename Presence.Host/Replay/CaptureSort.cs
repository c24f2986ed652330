namespace Presence.Host.Replay;

/// <summary>
/// Brings a file that is not quite in order of time into it, with bounded memory: a probe may stand up to
/// <see cref="WindowProbes"/> probes behind its place. One that stands further behind comes out late and is counted.
/// Probes of equal time keep the file's order.
/// </summary>
internal static class CaptureSort
{
    /// <summary>Probes held back: an hour of a busy access point, some 10 MB.</summary>
    public const int WindowProbes = 65_536;

    /// <summary>Sorts lazily.</summary>
    public static IEnumerable<CapturedProbe> Sorted(IEnumerable<CapturedProbe> probes, CaptureReport report, int window = WindowProbes)
    {
        PriorityQueue<CapturedProbe, (long At, long Sequence)> held = new();
        long sequence = 0, last = long.MinValue;
        foreach (CapturedProbe probe in probes)
        {
            if (probe.At < last)
                report.Disordered++;
            held.Enqueue(probe, (probe.At, sequence++));
            if (held.Count <= window)
                continue;
            CapturedProbe first = held.Dequeue();
            last = Math.Max(last, first.At);
            yield return first;
        }

        while (held.TryDequeue(out CapturedProbe probe, out _))
            yield return probe;
    }
}
