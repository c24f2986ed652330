using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Presence.Core.Events;

/// <summary>
/// A reusable buffer of UTF-8 text that decoders fill: no allocation per record once it has grown to its largest text.
/// </summary>
public sealed class Utf8Text
{
    /// <summary>Longest id, bytes.</summary>
    public const int IdBytesMax = 200;

    private byte[] _buffer = new byte[64];

    /// <summary>Length in bytes; 0 when empty.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes; valid until the text is set anew.</summary>
    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, Length);

    /// <summary>Empties it.</summary>
    public void Clear() => Length = 0;

    /// <summary>Copies bytes in.</summary>
    public void Set(ReadOnlySpan<byte> bytes)
    {
        EnsureCapacity(bytes.Length);
        bytes.CopyTo(_buffer);
        Length = bytes.Length;
    }

    /// <summary>Copies the reader's string in, unescaped. Throws InvalidOperationException for malformed UTF-8 (a decoder turns it into a breach).</summary>
    public void Set(ref Utf8JsonReader reader)
    {
        int max = reader.HasValueSequence ? checked((int)reader.ValueSequence.Length) : reader.ValueSpan.Length;
        EnsureCapacity(max);
        Length = reader.CopyString(_buffer);
    }

    /// <summary>1 to 200 bytes of printable text without '|' and white space.</summary>
    public bool IsId() => IsId(Span);

    /// <inheritdoc cref="IsId()"/>
    public static bool IsId(ReadOnlySpan<byte> text)
    {
        if (text.Length is 0 or > IdBytesMax)
            return false;

        // '!' to '~' without '|': what nearly every id consists of.
        int other = text.IndexOfAnyExceptInRange((byte)'!', (byte)'~');
        if (other < 0)
            return !text.Contains((byte)'|');

        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(text, out Rune rune, out int used) != OperationStatus.Done)
                return false;
            if (rune.Value == '|' || !IsPrintable(rune))
                return false;
            text = text[used..];
        }

        return true;
    }

    /// <summary>For messages and tests.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Span);

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        System.Globalization.UnicodeCategory.Control or
        System.Globalization.UnicodeCategory.Format or
        System.Globalization.UnicodeCategory.Surrogate or
        System.Globalization.UnicodeCategory.PrivateUse or
        System.Globalization.UnicodeCategory.OtherNotAssigned or
        System.Globalization.UnicodeCategory.LineSeparator or
        System.Globalization.UnicodeCategory.ParagraphSeparator or
        System.Globalization.UnicodeCategory.SpaceSeparator) && !Rune.IsWhiteSpace(rune);

    private void EnsureCapacity(int bytes)
    {
        if (_buffer.Length < bytes)
            _buffer = new byte[Math.Max(bytes, _buffer.Length * 2)];
    }
}
