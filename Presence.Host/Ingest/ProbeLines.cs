using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Host.Ingest;

/// <summary>Lines of <c>probes</c>, key device.</summary>
internal sealed class ProbeLines(string topic) : LineDecoder(topic)
{
    private readonly ProbeEvent _event = new();

    protected override Decoded FindKey(ReadOnlySpan<byte> line, Utf8Text key, ref bool deletes)
    {
        JsonFields fields = new(line);
        key.Clear();
        while (fields.Next())
        {
            if (fields.NameIs("device"u8))
                fields.Id("device", key);
            else
                fields.Skip();
        }

        return Decoded.Bad(fields.Breach, fields.Field);
    }

    protected override Decoded Check(in LogRecord record) => _event.Decode(record);
}
