using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Host.Ingest;

/// <summary>
/// Lines of <c>crm-contacts</c>, key contact. A line cannot be a null value, so <c>{"contact","deleted":true}</c> stands
/// for one: the contact is deleted as of its arrival.
/// </summary>
internal sealed class ContactLines(string topic) : LineDecoder(topic)
{
    private readonly CrmContactEvent _event = new();

    protected override Decoded FindKey(ReadOnlySpan<byte> line, Utf8Text key, ref bool deletes)
    {
        JsonFields fields = new(line);
        key.Clear();
        while (fields.Next())
        {
            if (fields.NameIs("contact"u8))
                fields.Id("contact", key);
            else if (fields.NameIs("deleted"u8))
                deletes = fields.Boolean("deleted");
            else
                fields.Skip();
        }

        // A deletion's value goes no further: what it lacks has to be said here.
        if (deletes)
            fields.Require("contact", key.Length > 0);
        return Decoded.Bad(fields.Breach, fields.Field);
    }

    protected override Decoded Check(in LogRecord record) => _event.Decode(record);
}
