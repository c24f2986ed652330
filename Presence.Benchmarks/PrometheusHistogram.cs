using System.Globalization;

namespace Presence.Benchmarks;

/// <summary>Reads a histogram out of Prometheus' text format.</summary>
internal static class PrometheusHistogram
{
    /// <summary>Upper bounds (ms) of the buckets that hold the median and the 99th percentile; null when there is nothing.</summary>
    public static (double P50, double P99, long Count)? Quantiles(string text, string name)
    {
        SortedDictionary<double, long> buckets = [];
        foreach (string line in text.Split('\n'))
        {
            if (!line.StartsWith(name + "_bucket{", StringComparison.Ordinal))
                continue;
            int at = line.IndexOf("le=\"", StringComparison.Ordinal) + 4;
            string bound = line[at..line.IndexOf('"', at)];
            double le = bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture);
            // After the labels: value, and perhaps a timestamp.
            string value = line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0];
            buckets[le] = buckets.GetValueOrDefault(le) + (long)double.Parse(value, CultureInfo.InvariantCulture);
        }

        if (buckets.Count == 0 || buckets.Last().Value == 0)
            return null;
        long count = buckets.Last().Value;
        double Bound(double share) => buckets.First(b => b.Value >= share * count).Key * 1000;
        return (Bound(0.5), Bound(0.99), count);
    }
}
