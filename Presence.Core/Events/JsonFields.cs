using System.Text.Json;

namespace Presence.Core.Events;

/// <summary>
/// Walks the fields of one JSON object and notes the first breach; afterwards <see cref="Next"/> returns false.
/// Malformed JSON is a breach like any other: nothing here throws.
/// A field that occurs twice counts with its last value; <c>null</c> counts as absent.
/// </summary>
public ref struct JsonFields
{
    /// <summary>Longest text that is no id, bytes.</summary>
    public const int TextBytesMax = 1000;

    private Utf8JsonReader _reader;
    private bool _started;

    /// <summary>Over the bytes of a record's value.</summary>
    public JsonFields(ReadOnlySpan<byte> json) => _reader = new Utf8JsonReader(json);

    /// <summary>The first breach met; None so far.</summary>
    public Breach Breach { get; private set; }

    /// <summary>The field of the breach, where one is known.</summary>
    public string? Field { get; private set; }

    /// <summary>Moves to the next field; false at the object's end or after a breach.</summary>
    public bool Next()
    {
        if (Breach != Breach.None)
            return false;
        try
        {
            if (!_started)
            {
                _started = true;
                if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
                    return Fail(Breach.NotJson, null);
            }

            if (!_reader.Read())
                return Fail(Breach.NotJson, null);
            if (_reader.TokenType == JsonTokenType.PropertyName)
                return true;

            // The object ends here; only white space may follow, which the reader checks.
            if (_reader.CurrentDepth == 0 && _reader.Read())
                return Fail(Breach.NotJson, null);
            return false;
        }
        catch (JsonException)
        {
            return Fail(Breach.NotJson, null);
        }
    }

    /// <summary>Whether the field at which it stands has this name.</summary>
    public bool NameIs(ReadOnlySpan<byte> name)
    {
        try
        {
            return _reader.ValueTextEquals(name);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair escaped, or invalid UTF-8 behind an escape.
            return Fail(Breach.NotJson, null);
        }
    }

    /// <summary>Enters the object that is the field's value: Next then walks its fields, and false leads back here. False for null.</summary>
    public bool Enter(string field) =>
        Value(field) && _reader.TokenType != JsonTokenType.Null && (_reader.TokenType == JsonTokenType.StartObject || Fail(Breach.MistypedField, field));

    /// <summary>Copies the name of the field at which it stands.</summary>
    public bool Name(Utf8Text text)
    {
        try
        {
            text.Set(ref _reader);
            return true;
        }
        catch (InvalidOperationException)
        {
            return Fail(Breach.NotJson, null);
        }
    }

    /// <summary>Reads an id into <paramref name="text"/>.</summary>
    public void Id(string field, Utf8Text text)
    {
        if (String(field, text) && !text.IsId())
            Fail(Breach.BadId, field);
    }

    /// <summary>Reads a string that must not be empty; returns whether there was one.</summary>
    public bool Text(string field, Utf8Text text) =>
        OptionalText(field, text) && (text.Length > 0 || Fail(Breach.MissingField, field));

    /// <summary>Reads a string that may be empty; returns whether there was one.</summary>
    public bool OptionalText(string field, Utf8Text text) =>
        String(field, text) && (text.Length <= TextBytesMax || Fail(Breach.TextTooLong, field));

    private bool String(string field, Utf8Text text)
    {
        text.Clear();
        if (!Value(field))
            return false;
        if (_reader.TokenType == JsonTokenType.Null)
            return false;
        if (_reader.TokenType != JsonTokenType.String)
            return Fail(Breach.MistypedField, field);
        try
        {
            text.Set(ref _reader);
            return true;
        }
        catch (InvalidOperationException)
        {
            // Invalid UTF-8 inside a string, or half a surrogate pair escaped.
            return Fail(Breach.NotJson, field);
        }
    }

    /// <summary>Reads an integer in a range; null where it is absent or a breach was noted.</summary>
    public long? Integer(string field, long min, long max) => Integer(field, min, max, Breach.NumberOutOfRange);

    /// <summary>Reads a time, ms; null where it is absent or a breach was noted.</summary>
    public long? Time(string field) => Integer(field, EventTime.Min, EventTime.Max, Breach.TimeOutOfRange);

    /// <summary>Reads a boolean; false where it is absent.</summary>
    public bool Boolean(string field)
    {
        if (!Value(field))
            return false;
        switch (_reader.TokenType)
        {
            case JsonTokenType.True:
                return true;
            case JsonTokenType.False or JsonTokenType.Null:
                return false;
            default:
                return Fail(Breach.MistypedField, field);
        }
    }

    /// <summary>Passes over the value of a field that is not known.</summary>
    public void Skip()
    {
        try
        {
            _reader.Skip();
        }
        catch (JsonException)
        {
            Fail(Breach.NotJson, null);
        }
    }

    /// <summary>Notes a missing field unless it is there.</summary>
    public void Require(string field, bool present)
    {
        if (!present)
            Fail(Breach.MissingField, field);
    }

    /// <summary>Notes a breach; the first one counts. Returns false.</summary>
    public bool Fail(Breach breach, string? field)
    {
        if (Breach == Breach.None)
        {
            Breach = breach;
            Field = field;
        }

        return false;
    }

    private long? Integer(string field, long min, long max, Breach outside)
    {
        if (!Value(field) || _reader.TokenType == JsonTokenType.Null)
            return null;
        if (_reader.TokenType != JsonTokenType.Number)
        {
            Fail(Breach.MistypedField, field);
            return null;
        }

        if (!_reader.TryGetInt64(out long value))
        {
            // 1e400, 1.5: a number, but no integer in range.
            Fail(_reader.ValueSpan.IndexOfAny((byte)'.', (byte)'e', (byte)'E') >= 0 ? Breach.MistypedField : outside, field);
            return null;
        }

        if (value >= min && value <= max)
            return value;
        Fail(outside, field);
        return null;
    }

    private bool Value(string field)
    {
        try
        {
            return _reader.Read() || Fail(Breach.NotJson, field);
        }
        catch (JsonException)
        {
            return Fail(Breach.NotJson, field);
        }
    }
}
