using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Host.Ingest;

/// <summary>
/// Turns lines into records of one topic, with the decoders that the stages use: what passes here is never a dead
/// letter there. Holds buffers; one per request.
/// </summary>
internal abstract class LineDecoder(string topic)
{
    private readonly Utf8Text _key = new();

    /// <summary>Checks a line; what is good is made a record. <paramref name="now"/>: time of arrival, ms.</summary>
    public Decoded Decode(ReadOnlySpan<byte> line, long now, out ProducedRecord record)
    {
        bool deletes = false;
        Decoded decoded = FindKey(line, _key, ref deletes);
        record = default;
        if (!decoded.IsGood)
            return decoded;
        decoded = Check(new LogRecord
        {
            Offset = 0,
            Timestamp = now,
            HasKey = true,
            Key = _key.Span,
            HasValue = !deletes,
            Value = deletes ? default : line,
        });
        if (decoded.IsGood)
            record = new ProducedRecord(topic, _key.Span.ToArray(), deletes ? null : line.ToArray(), now);
        return decoded;
    }

    /// <summary>Finds the record's key in its value. A key that is not there stays empty: the check says so.</summary>
    protected abstract Decoded FindKey(ReadOnlySpan<byte> line, Utf8Text key, ref bool deletes);

    /// <summary>The stage's own check.</summary>
    protected abstract Decoded Check(in LogRecord record);
}
