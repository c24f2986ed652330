using System.Globalization;
using System.Text;

namespace Presence.Host.Replay;

/// <summary>
/// A capture as CSV: a header that names at least <c>datetime</c>, <c>src</c> and <c>rssi</c> (any order and case), and
/// perhaps <c>randomized</c>; other columns are ignored. Separated by semicolon, comma or tab, whichever the header uses.
/// </summary>
internal static class CsvCapture
{
    private static readonly string[] Required = ["datetime", "src", "rssi"];

    /// <summary>The separator of a header line; null when the line does not name the columns needed.</summary>
    public static char? SeparatorOf(string header)
    {
        foreach (char separator in (ReadOnlySpan<char>)[';', ',', '\t'])
        {
            string[] names = Names(header.Split(separator));
            if (Required.All(names.Contains))
                return separator;
        }

        return null;
    }

    /// <summary>Reads the rows one by one. Throws <see cref="CaptureException"/> where it cannot go on.</summary>
    public static IEnumerable<CapturedProbe> Read(Stream stream, char separator, string accessPoint, TimeZoneInfo zone, CaptureReport report)
    {
        using StreamReader text = new(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, bufferSize: 64 * 1024);
        CsvRows rows = new(text, separator, report.File);
        if (!rows.Read())
            throw new CaptureException($"{report.File}: there is no header.");
        Columns columns = Columns.Of(rows.Fields, report.File);
        CaptureClock clock = new(zone);
        while (rows.Read())
        {
            report.CountRow();
            if (TryProbe(rows, columns, clock, accessPoint, report, out CapturedProbe probe))
            {
                report.CountProbe();
                yield return probe;
            }
        }
    }

    private static bool TryProbe(CsvRows rows, Columns columns, CaptureClock clock, string accessPoint, CaptureReport report, out CapturedProbe probe)
    {
        probe = default;
        string place = "line " + rows.Line.ToString(CultureInfo.InvariantCulture);
        IReadOnlyList<string> fields = rows.Fields;
        if (fields.Count <= columns.Last)
        {
            report.Skip(CaptureSkip.ShortRow, place, $"the row has {fields.Count} fields, the header {columns.Count}");
            return false;
        }

        string time = fields[columns.Time];
        if (!clock.TryRead(time, out long at))
        {
            report.Skip(CaptureSkip.Time, place, $"column datetime: '{Shorten(time)}' is not a time such as 2024-02-08 14:56:29.121, from 2000 to 2100");
            return false;
        }

        string source = fields[columns.Source];
        if (!MacAddress.TryNormalise(source, out string device, out bool randomized))
        {
            report.Skip(CaptureSkip.Device, place, $"column src: '{Shorten(source)}' is not a MAC address");
            return false;
        }

        string signal = fields[columns.Rssi];
        if (!TryRssi(signal, out int rssi, out CaptureSkip reason))
        {
            report.Skip(reason, place, reason == CaptureSkip.RssiMissing ? "column rssi: is empty" : $"column rssi: '{Shorten(signal)}' is not a whole number from -127 to 0");
            return false;
        }

        if (columns.Randomized >= 0 && columns.Randomized < fields.Count)
            randomized = Flag(fields[columns.Randomized]) ?? randomized;
        probe = new CapturedProbe(at, device, accessPoint, rssi, randomized);
        return true;
    }

    // "-84.0" is what a table with gaps in the column is written as.
    private static bool TryRssi(string text, out int rssi, out CaptureSkip reason)
    {
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        rssi = 0;
        reason = CaptureSkip.RssiMissing;
        if (trimmed.IsEmpty || trimmed.Equals("nan", StringComparison.OrdinalIgnoreCase) || trimmed.Equals("none", StringComparison.OrdinalIgnoreCase))
            return false;
        reason = CaptureSkip.RssiUnusable;
        if (!decimal.TryParse(trimmed, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
            || value != decimal.Truncate(value) || value is < -127 or > 0)
            return false;
        rssi = (int)value;
        return true;
    }

    private static bool? Flag(string text) => text.AsSpan().Trim() switch
    {
        "1" or "1.0" or "true" or "True" or "TRUE" => true,
        "0" or "0.0" or "false" or "False" or "FALSE" => false,
        _ => null,
    };

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "…";

    private static string[] Names(IEnumerable<string> header) => [.. header.Select(n => n.Trim().Trim('"', '\uFEFF').Trim().ToLowerInvariant())];

    private sealed record Columns(int Time, int Source, int Rssi, int Randomized, int Count)
    {
        /// <summary>The last field a row must have.</summary>
        public int Last { get; } = Math.Max(Time, Math.Max(Source, Rssi));

        public static Columns Of(IReadOnlyList<string> header, string file)
        {
            string[] names = Names(header);
            string[] missing = [.. Required.Where(n => !names.Contains(n))];
            if (missing.Length > 0)
                throw new CaptureException($"{file}, line 1: the header lacks {string.Join(", ", missing)}; it has: {string.Join(", ", names)}.");
            string? twice = Required.Append("randomized").FirstOrDefault(n => names.Count(m => m == n) > 1);
            return twice is null
                ? new Columns(Array.IndexOf(names, "datetime"), Array.IndexOf(names, "src"), Array.IndexOf(names, "rssi"), Array.IndexOf(names, "randomized"), names.Length)
                : throw new CaptureException($"{file}, line 1: the header names {twice} twice.");
        }
    }
}
