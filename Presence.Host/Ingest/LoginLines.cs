using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Host.Ingest;

/// <summary>Lines of <c>crm-logins</c>, key contact.</summary>
internal sealed class LoginLines(string topic) : LineDecoder(topic)
{
    private readonly CrmLoginEvent _event = new();

    protected override Decoded FindKey(ReadOnlySpan<byte> line, Utf8Text key, ref bool deletes)
    {
        JsonFields fields = new(line);
        key.Clear();
        while (fields.Next())
        {
            if (fields.NameIs("contact"u8))
                fields.Id("contact", key);
            else
                fields.Skip();
        }

        return Decoded.Bad(fields.Breach, fields.Field);
    }

    protected override Decoded Check(in LogRecord record) => _event.Decode(record);
}
