namespace Presence.Host.Web.Status;

/// <summary>Estimates how long a restore still takes from what is seen of it, at most twice a second. Any thread.</summary>
internal sealed class RestorePace(TimeProvider time)
{
    private static readonly TimeSpan SampleGap = TimeSpan.FromMilliseconds(500);

    /// <summary>What is older says nothing about the pace of now.</summary>
    private static readonly TimeSpan SampleAgeMax = TimeSpan.FromSeconds(30);

    /// <summary>Weight of the newest sample.</summary>
    private const double Smoothing = 0.3;

    private readonly Lock _gate = new();
    private long _lastTime;
    private long _lastRemaining;
    private double _recordsPerSecond;

    /// <summary>Notes what is left; answers the seconds it will take, or null while the pace is not known.</summary>
    public double? Observe(long remaining)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            TimeSpan gap = time.GetElapsedTime(_lastTime, now);
            if (remaining == 0 || _lastRemaining == 0 || gap > SampleAgeMax)
            {
                _recordsPerSecond = 0;
                (_lastTime, _lastRemaining) = (now, remaining);
            }
            else if (gap >= SampleGap)
            {
                // More is left than before: another task has begun, which says nothing about the pace.
                if (remaining <= _lastRemaining)
                {
                    double pace = (_lastRemaining - remaining) / gap.TotalSeconds;
                    _recordsPerSecond = _recordsPerSecond == 0 ? pace : (_recordsPerSecond * (1 - Smoothing)) + (pace * Smoothing);
                }

                (_lastTime, _lastRemaining) = (now, remaining);
            }

            return remaining == 0 || _recordsPerSecond <= 0 ? null : remaining / _recordsPerSecond;
        }
    }
}
