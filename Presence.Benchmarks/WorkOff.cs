using System.Diagnostics;

namespace Presence.Benchmarks;

/// <summary>
/// How a backlog of probes was worked off, and what that cost. What is steady is taken between 20 % and 90 % of the
/// probes, so that neither start-up nor the tail counts.
/// </summary>
internal sealed class WorkOff
{
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(500);

    private readonly List<Point> _points = [];
    private (Point Point, RuntimeFigures? Runtime)? _low;
    private (Point Point, RuntimeFigures? Runtime)? _high;

    /// <param name="Seconds">Since it was begun to look.</param>
    /// <param name="Cpu">Seconds, of the process.</param>
    /// <param name="Probes">Committed.</param>
    /// <param name="Lag">Records of all inputs that are not committed.</param>
    private sealed record Point(double Seconds, double Cpu, long Probes, long Lag);

    private WorkOff()
    {
    }

    /// <summary>Whether all inputs were worked off.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Probes of the steady part; 0 when all were worked off between two looks, and the figures are no numbers then.</summary>
    public long SteadyProbes => _low is { } low && _high is { } high ? high.Point.Probes - low.Point.Probes : 0;

    /// <summary>Probes per second, steady.</summary>
    public double RecordsPerSecond => SteadyProbes == 0 ? double.NaN : SteadyProbes / (_high!.Value.Point.Seconds - _low!.Value.Point.Seconds);

    /// <summary>CPU seconds per million probes, steady.</summary>
    public double CpuPerMillion => SteadyProbes == 0 ? double.NaN : (_high!.Value.Point.Cpu - _low!.Value.Point.Cpu) / SteadyProbes * 1e6;

    /// <summary>What the .NET runtime did in the steady part; null when it did not say.</summary>
    public RuntimeFigures? Runtime => _low?.Runtime is { } low && _high?.Runtime is { } high ? high.Since(low) : null;

    /// <summary>Seconds until all was worked off.</summary>
    public double Seconds => _points[^1].Seconds;

    /// <summary>CPU seconds of the process until then, since its start.</summary>
    public double Cpu => _points[^1].Cpu;

    /// <summary>
    /// Follows it until everything that is there has been worked off, from <paramref name="from"/> committed probes
    /// through <paramref name="records"/> more, or <paramref name="limit"/> has passed. Throws when the process ends.
    /// </summary>
    public static async Task<WorkOff> Follow(PresenceProcess presence, Progress progress, long from, long records, TimeSpan limit, CancellationToken cancellation)
    {
        WorkOff followed = new();
        long began = Stopwatch.GetTimestamp();
        // A quiet lag of nothing (commit markers take offsets).
        for (int quiet = 0; quiet < 4;)
        {
            presence.ThrowIfEnded();
            (long probes, long lag) = await progress.Look();
            Point point = new(Stopwatch.GetElapsedTime(began).TotalSeconds, presence.CpuSeconds(), probes, lag);
            followed._points.Add(point);
            if (followed._low is null && probes >= from + (0.2 * records))
                followed._low = (point, await RuntimeFigures.Of(presence));
            else if (followed._high is null && probes >= from + (0.9 * records))
                followed._high = (point, await RuntimeFigures.Of(presence));
            quiet = probes >= from + records && lag == 0 ? quiet + 1 : 0;
            if (Stopwatch.GetElapsedTime(began) > limit)
                return followed;
            await Task.Delay(Sample, TimeProvider.System, cancellation);
        }

        followed.IsDone = true;
        return followed;
    }

    /// <summary>The same without a limit but the run's own, at which it says how far Presence was.</summary>
    public static async Task<WorkOff> FollowToTheEnd(PresenceProcess presence, Progress progress, long from, long records, CancellationToken cancellation)
    {
        try
        {
            return await Follow(presence, progress, from, records, TimeSpan.MaxValue, cancellation);
        }
        catch (OperationCanceledException)
        {
            Report.Say($"Presence had not worked everything off. Its log ends:\n{presence.Log}");
            throw;
        }
    }
}
