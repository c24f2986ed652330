using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Presence.Core.Events;

/// <summary>Writes one JSON value after the other into a buffer of its own, which grows to the largest.</summary>
#pragma warning disable CA1001 // The JSON writer holds nothing but this buffer.
public sealed class JsonValueWriter
#pragma warning restore CA1001
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly Utf8JsonWriter _writer;

    /// <summary>With an empty buffer.</summary>
    public JsonValueWriter() => _writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    /// <summary>Begins a value; the bytes of the last one are gone.</summary>
    public Utf8JsonWriter Begin()
    {
        _buffer.ResetWrittenCount();
        _writer.Reset(_buffer);
        _writer.WriteStartObject();
        return _writer;
    }

    /// <summary>Ends the value; the bytes are valid until the next one begins.</summary>
    public ReadOnlySpan<byte> End()
    {
        _writer.WriteEndObject();
        _writer.Flush();
        return _buffer.WrittenSpan;
    }
}
