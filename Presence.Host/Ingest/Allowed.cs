using Presence.Core.Events;

namespace Presence.Host.Ingest;

/// <summary>What the contract allows, in words for whoever sent something else.</summary>
internal static class Allowed
{
    private const string Id = "1 to 200 bytes of printable text without '|' and white space";

    /// <summary>What would be right where <paramref name="breach"/> was found.</summary>
    public static string Of(Breach breach, string? field) => breach switch
    {
        Breach.NotJson => "one JSON object in UTF-8 per line",
        Breach.MissingField => $"the field is required: {Field(field)}",
        _ => Field(field),
    };

    private static string Field(string? field) => field switch
    {
        "device" or "business" or "venue" or "ap" or "contact" => Id,
        "rssi" => "an integer from -127 to 0 (dBm)",
        "at" => $"an integer from {EventTime.Min} to {EventTime.Max} (milliseconds since 1970-01-01 UTC, 2000-01-01 to 2100-01-01)",
        "randomized" or "deleted" => "true or false",
        "email" => $"1 to {CrmContactEvent.TextBytesMax} bytes of text",
        "name" => $"at most {CrmContactEvent.TextBytesMax} bytes of text",
        _ => "see the documentation of the topic",
    };
}
