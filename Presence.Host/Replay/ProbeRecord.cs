using System.Text;
using System.Text.Json;
using Presence.Core.Log;

namespace Presence.Host.Replay;

/// <summary>Probes as records of the <c>probes</c> topic.</summary>
internal static class ProbeRecord
{
    /// <summary>A record; <paramref name="arrived"/>: its Kafka timestamp, ms.</summary>
    public static ProducedRecord Of(string topic, in CapturedProbe probe, string business, string venue, long arrived)
    {
        using MemoryStream value = new(192);
        using (Utf8JsonWriter json = new(value))
        {
            json.WriteStartObject();
            json.WriteString("device"u8, probe.Device);
            json.WriteString("business"u8, business);
            json.WriteString("venue"u8, venue);
            json.WriteString("ap"u8, probe.AccessPoint);
            json.WriteNumber("rssi"u8, probe.Rssi);
            json.WriteNumber("at"u8, probe.At);
            if (probe.Randomized)
                json.WriteBoolean("randomized"u8, true);
            json.WriteEndObject();
        }

        return new ProducedRecord(topic, Encoding.UTF8.GetBytes(probe.Device), value.ToArray(), arrived);
    }
}
