using System.Buffers;

namespace Presence.Core.Events;

/// <summary>
/// Walks a JSON object of the plainest kind, as most producers write it: no white space, no escapes, ids of printable
/// ASCII, integers, booleans. Whatever is not that plain is not judged here: the walk is given up, and
/// <see cref="JsonFields"/> decides. So it may only ever say yes to what that one takes the same way.
/// </summary>
internal ref struct PlainJson(ReadOnlySpan<byte> json)
{
    // 18 digits fit a long.
    private const int DigitsMax = 18;

    // Printable ASCII without quotes and escapes, and without what is in no id.
    private static readonly SearchValues<byte> _plain = SearchValues.Create(Enumerable.Range('!', '~' - '!' + 1).Select(c => (byte)c).Except([(byte)'"', (byte)'\\', (byte)'|']).ToArray());

    private readonly ReadOnlySpan<byte> _json = json;
    private int _at;

    /// <summary>Moves to the next field and past its name; false at the object's end, or where it is given up.</summary>
    public bool Next(out ReadOnlySpan<byte> name)
    {
        name = default;
        IsAtEnd = _at > 0 && _at == _json.Length - 1 && _json[_at] == '}';
        if (_at == _json.Length || _json[_at] != (_at == 0 ? (byte)'{' : (byte)','))
            return false;
        _at++;
        if (!TryText(out name) || _at == _json.Length || _json[_at] != ':')
            return false;
        _at++;
        return true;
    }

    /// <summary>Whether the object has been walked to its end, and nothing follows.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>A text of 1 to <see cref="Utf8Text.IdBytesMax"/> characters that is an id as it stands.</summary>
    public bool TryId(out ReadOnlySpan<byte> id) => TryText(out id) && id.Length is > 0 and <= Utf8Text.IdBytesMax;

    /// <summary>An integer without a leading zero.</summary>
    public bool TryInteger(out long value)
    {
        value = 0;
        int at = _at;
        bool isNegative = at < _json.Length && _json[at] == '-';
        if (isNegative)
            at++;
        int first = at;
        while (at < _json.Length && _json[at] is >= (byte)'0' and <= (byte)'9')
            value = (value * 10) + (_json[at++] - '0');
        int digits = at - first;
        if (digits is 0 or > DigitsMax || (_json[first] == '0' && (digits > 1 || isNegative)) || at == _json.Length || _json[at] is not ((byte)',' or (byte)'}'))
            return false;
        if (isNegative)
            value = -value;
        _at = at;
        return true;
    }

    /// <summary>A boolean.</summary>
    public bool TryBoolean(out bool value)
    {
        value = _json[_at..].StartsWith("true"u8);
        if (!value && !_json[_at..].StartsWith("false"u8))
            return false;
        _at += value ? 4 : 5;
        return true;
    }

    private bool TryText(out ReadOnlySpan<byte> text)
    {
        text = default;
        if (_at == _json.Length || _json[_at] != '"')
            return false;
        ReadOnlySpan<byte> rest = _json[(_at + 1)..];
        int length = rest.IndexOfAnyExcept(_plain);
        if (length < 0 || rest[length] != '"')
            return false;
        text = rest[..length];
        _at += length + 2;
        return true;
    }
}
