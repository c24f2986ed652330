using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Presence.Benchmarks;

/// <summary>How scenarios say what they found: a table to paste into a document, and one line of JSON, on stdout.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>A table in Markdown.</summary>
    public static void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Console.WriteLine($"| {string.Join(" | ", columns)} |");
        Console.WriteLine($"|{string.Concat(columns.Select(_ => " --- |"))}");
        foreach (IReadOnlyList<string> row in rows)
            Console.WriteLine($"| {string.Join(" | ", row)} |");
        Console.WriteLine();
    }

    /// <summary>One line: what it is, and its figures.</summary>
    public static void Json(string what, object figures) => Console.WriteLine($"{what} {JsonSerializer.Serialize(figures, Plain)}");

    /// <summary>Progress, on stderr.</summary>
    public static void Say(string text) => Console.Error.WriteLine(text);

    /// <summary>Three digits that say something, or all of them before the point; thousands are grouped.</summary>
    public static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "N0" : Math.Abs(value) >= 10 ? "N1" : "N2", CultureInfo.InvariantCulture);

    /// <summary>A count, thousands grouped.</summary>
    public static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Seconds or milliseconds with so many digits, for JSON.</summary>
    public static double Round(double value, int digits = 2) => Math.Round(value, digits);
}
