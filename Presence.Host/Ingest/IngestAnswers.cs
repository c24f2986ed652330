using System.Text.Json.Serialization;

namespace Presence.Host.Ingest;

/// <summary>The log has them all.</summary>
internal sealed record Accepted([property: JsonPropertyName("accepted")] int Records);

/// <summary>Nothing was taken.</summary>
/// <param name="Error">Why, and what to do.</param>
internal sealed record Refused(string Error);

/// <summary>Nothing was taken, because of these lines.</summary>
/// <param name="Error">How many, of how many.</param>
/// <param name="BadLines">All bad lines, also those not named.</param>
/// <param name="Lines">The first of them.</param>
internal sealed record RefusedLines(string Error, int BadLines, IReadOnlyList<BadLine> Lines);

/// <summary>JSON of the answers.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Accepted))]
[JsonSerializable(typeof(Refused))]
[JsonSerializable(typeof(RefusedLines))]
internal sealed partial class IngestJson : JsonSerializerContext;
