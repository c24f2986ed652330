using System.Text;
using System.Text.Json;
using Presence.Core.Log;

namespace Presence.Host.Demo;

/// <summary>Contacts and logins as records of their topics; key: the contact.</summary>
internal static class CrmRecord
{
    /// <summary>A record of <c>crm-contacts</c>. Times in ms.</summary>
    public static ProducedRecord Contact(string topic, string contact, string name, long at, long arrived) => Make(topic, contact, arrived, json =>
    {
        json.WriteString("email"u8, $"{contact}@example.org");
        json.WriteString("name"u8, name);
        json.WriteNumber("at"u8, at);
    });

    /// <summary>A record of <c>crm-logins</c>. Times in ms.</summary>
    public static ProducedRecord Login(string topic, string contact, string device, string business, string venue, long at, long arrived) => Make(topic, contact, arrived, json =>
    {
        json.WriteString("device"u8, device);
        json.WriteString("business"u8, business);
        json.WriteString("venue"u8, venue);
        json.WriteNumber("at"u8, at);
    });

    private static ProducedRecord Make(string topic, string contact, long arrived, Action<Utf8JsonWriter> fields)
    {
        using MemoryStream value = new(192);
        using (Utf8JsonWriter json = new(value))
        {
            json.WriteStartObject();
            json.WriteString("contact"u8, contact);
            fields(json);
            json.WriteEndObject();
        }

        return new ProducedRecord(topic, Encoding.UTF8.GetBytes(contact), value.ToArray(), arrived);
    }
}
