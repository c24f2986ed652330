using System.Globalization;
using System.Text.Json;

namespace Presence.Host.Replay;

/// <summary>Walk-ins for people: one line each, in the order of time.</summary>
internal static class WalkInTable
{
    /// <summary>Values of the <c>walk-ins</c> topic in the order of <c>at</c>, then of the visit.</summary>
    public static IReadOnlyList<byte[]> Ordered(IEnumerable<byte[]> walkIns) =>
        [.. walkIns.Select(w => (Value: w, Row: Row.Of(w))).OrderBy(w => w.Row.At).ThenBy(w => w.Row.Visit, StringComparer.Ordinal).Select(w => w.Value)];

    /// <summary>A header, then a line for each; times in <paramref name="zone"/>.</summary>
    public static void Write(TextWriter output, IReadOnlyList<byte[]> ordered, TimeZoneInfo zone)
    {
        if (ordered.Count > 0)
        {
            Row[] rows = [.. ordered.Select(w => Row.Of(w))];
            int device = Math.Max(6, rows.Max(r => r.Device.Length));
            output.WriteLine($"{"walked in",-19}  {"first seen",-19}  {"device".PadRight(device)}  {"dBm",4}  randomized");
            foreach (Row row in rows)
                output.WriteLine($"{Time(row.At, zone)}  {Time(row.FirstSeen, zone)}  {row.Device.PadRight(device)}  {row.Rssi,4}  {(row.Randomized ? "yes" : "no")}");
        }

        output.WriteLine(ordered.Count == 1 ? "1 walk-in" : $"{ordered.Count} walk-ins");
    }

    private static string Time(long ms, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(ms), zone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private readonly record struct Row(long At, long FirstSeen, string Device, string Visit, int Rssi, bool Randomized)
    {
        public static Row Of(ReadOnlyMemory<byte> value)
        {
            using JsonDocument json = JsonDocument.Parse(value);
            JsonElement root = json.RootElement;
            return new Row(
                root.GetProperty("at").GetInt64(),
                root.GetProperty("firstSeen").GetInt64(),
                root.GetProperty("device").GetString()!,
                root.GetProperty("visit").GetString()!,
                root.GetProperty("rssi").GetInt32(),
                root.TryGetProperty("randomized", out JsonElement randomized) && randomized.GetBoolean());
        }
    }
}
