using System.Globalization;

namespace Presence.Benchmarks;

/// <summary>
/// What the .NET runtime of a process says of itself at <c>/metrics</c> since it was started. A collection counts once, for the
/// highest generation it collected.
/// </summary>
internal sealed record RuntimeFigures(long Gen0, long Gen1, long Gen2, double AllocatedBytes, double PauseSeconds)
{
    /// <summary>Reads them; null when the process did not answer, or does not say.</summary>
    public static async Task<RuntimeFigures?> Of(PresenceProcess presence)
    {
        Dictionary<string, double> figures = [];
        foreach (string line in (await presence.Metrics()).Split('\n'))
        {
            if (!line.StartsWith("dotnet_gc_", StringComparison.Ordinal))
                continue;
            int generation = line.IndexOf("gen", StringComparison.Ordinal);
            string name = line[..line.IndexOf('{', StringComparison.Ordinal)];
            if (name == "dotnet_gc_collections_total")
                name = line.Substring(line.IndexOf("generation=\"", generation, StringComparison.Ordinal) + 12, 4);
            figures[name] = double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        }

        return figures.TryGetValue("gen0", out double gen0) && figures.TryGetValue("gen1", out double gen1) && figures.TryGetValue("gen2", out double gen2)
            && figures.TryGetValue("dotnet_gc_heap_total_allocated_bytes_total", out double allocated)
            ? new RuntimeFigures((long)gen0, (long)gen1, (long)gen2, allocated, figures.GetValueOrDefault("dotnet_gc_pause_time_seconds_total"))
            : null;
    }

    /// <summary>What has been added since <paramref name="earlier"/>, of the same process.</summary>
    public RuntimeFigures Since(RuntimeFigures earlier) => new(
        Gen0 - earlier.Gen0, Gen1 - earlier.Gen1, Gen2 - earlier.Gen2, AllocatedBytes - earlier.AllocatedBytes, PauseSeconds - earlier.PauseSeconds);

    /// <summary>Collections of each generation, for a table.</summary>
    public static string Collections(RuntimeFigures? figures) => figures is null ? "not known" : $"{figures.Gen0} / {figures.Gen1} / {figures.Gen2}";

    /// <summary>MiB allocated per million of <paramref name="records"/>, for a table.</summary>
    public static string AllocatedPerMillion(RuntimeFigures? figures, long records) =>
        figures is null || records == 0 ? "not known" : Report.Number(figures.AllocatedBytes / 1048576 / records * 1e6);
}
