namespace Presence.Benchmarks;

/// <summary>Latencies in ms, all of them, and how many things have not happened at all.</summary>
internal sealed class Latencies
{
    private readonly double[] _sorted;

    /// <summary>Of these, in any order.</summary>
    public Latencies(IEnumerable<double> milliseconds, int missing)
    {
        _sorted = [.. milliseconds.Order()];
        Missing = missing;
    }

    /// <summary>How many there are.</summary>
    public int Count => _sorted.Length;

    /// <summary>What has not happened.</summary>
    public int Missing { get; }

    /// <summary>The largest; NaN when there are none.</summary>
    public double Max => At(1);

    /// <summary>The smallest that at least <paramref name="share"/> of all do not exceed; NaN when there are none.</summary>
    public double At(double share) => _sorted.Length == 0 ? double.NaN : _sorted[Math.Max(0, (int)Math.Ceiling(share * _sorted.Length) - 1)];
}
