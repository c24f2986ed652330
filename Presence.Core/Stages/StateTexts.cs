namespace Presence.Core.Stages;

/// <summary>Where a text of a decoded state lies in its <see cref="StateTexts"/>.</summary>
internal readonly record struct TextRange(int Start, int Length);

/// <summary>
/// The texts of one decoded state: a copy of the stored value, and behind it what is added. One instance is loaded
/// again and again, and allocates nothing once it has grown to the largest state.
/// </summary>
internal sealed class StateTexts
{
    private byte[] _buffer = new byte[1024];
    private int _length;

    /// <summary>The text; valid until the next <see cref="Load"/> or <see cref="Add"/>.</summary>
    public ReadOnlySpan<byte> this[TextRange range] => _buffer.AsSpan(range.Start, range.Length);

    /// <summary>Begins anew with a stored value: its texts are where they are in it.</summary>
    public void Load(ReadOnlySpan<byte> value)
    {
        _length = 0;
        Add(value);
    }

    /// <summary>Copies a text in.</summary>
    public TextRange Add(ReadOnlySpan<byte> text)
    {
        if (_buffer.Length < _length + text.Length)
            Array.Resize(ref _buffer, Math.Max(_length + text.Length, _buffer.Length * 2));
        text.CopyTo(_buffer.AsSpan(_length));
        TextRange range = new(_length, text.Length);
        _length += text.Length;
        return range;
    }

    /// <summary>Whether the text at <paramref name="range"/> is this one.</summary>
    public bool Is(TextRange range, ReadOnlySpan<byte> text) => this[range].SequenceEqual(text);
}
