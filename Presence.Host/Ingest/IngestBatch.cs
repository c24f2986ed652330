using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Host.Ingest;

/// <summary>A body of JSON lines, taken apart: all records, or what is wrong with it.</summary>
internal sealed class IngestBatch
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    private readonly List<ProducedRecord> _records = [];
    private readonly List<BadLine> _badLines = [];

    private IngestBatch()
    {
    }

    /// <summary>In the order of their lines.</summary>
    public IReadOnlyList<ProducedRecord> Records => _records;

    /// <summary>The first bad lines.</summary>
    public IReadOnlyList<BadLine> BadLines => _badLines;

    /// <summary>All bad lines.</summary>
    public int BadLineCount { get; private set; }

    /// <summary>Takes a body apart. Blank lines count as lines but are nothing. <paramref name="now"/>: time of arrival, ms.</summary>
    public static IngestBatch Read(ReadOnlySpan<byte> body, LineDecoder decoder, IngestLimits limits, long now)
    {
        IngestBatch batch = new();
        if (body.StartsWith(ByteOrderMark))
            body = body[ByteOrderMark.Length..];
        for (int number = 1; !body.IsEmpty; number++)
        {
            int end = body.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = Trim(end < 0 ? body : body[..end]);
            body = end < 0 ? default : body[(end + 1)..];
            if (!line.IsEmpty)
                batch.Add(number, line, decoder, limits, now);
        }

        return batch;
    }

    private void Add(int number, ReadOnlySpan<byte> line, LineDecoder decoder, IngestLimits limits, long now)
    {
        if (line.Length > limits.LineBytesMax)
        {
            Refuse(limits, new BadLine(number, null, "line_too_long", $"at most {limits.LineBytesMax} bytes; this one has {line.Length}"));
            return;
        }

        Decoded decoded = decoder.Decode(line, now, out ProducedRecord record);
        if (decoded.IsGood)
            _records.Add(record);
        else
            Refuse(limits, new BadLine(number, decoded.Field, BreachNames.Of(decoded.Breach), Allowed.Of(decoded.Breach, decoded.Field)));
    }

    private void Refuse(IngestLimits limits, BadLine line)
    {
        BadLineCount++;
        if (_badLines.Count < limits.NamedLinesMax)
            _badLines.Add(line);
    }

    // White space of JSON: a \r before the line's end is one.
    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> line) => line.Trim(" \t\r"u8);
}
