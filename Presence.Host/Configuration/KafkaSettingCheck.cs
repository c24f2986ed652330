using Confluent.Kafka;

namespace Presence.Host.Configuration;

/// <summary>
/// Asks the client library whether it knows a setting and can read its value. Without servers nothing connects.
/// </summary>
internal static class KafkaSettingCheck
{
    /// <summary>Null when it is fine, else the library's complaint.</summary>
    public static string? Problem(string name, string value)
    {
        // The .NET layer's own settings differ by kind of client.
        if (name.StartsWith("dotnet.", StringComparison.OrdinalIgnoreCase))
            return null;
        try
        {
            using IProducer<Null, Null> probe = new ProducerBuilder<Null, Null>([new(name, value)]).SetLogHandler((_, _) => { }).Build();
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            // Settings may be incomplete one by one (a mechanism without its user): that is for the client to say.
            return e.Message.Contains("configuration property", StringComparison.OrdinalIgnoreCase) ? e.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.') : null;
        }
    }
}
