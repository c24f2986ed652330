using System.Text;

namespace Presence.Host.Web.Board;

/// <summary>
/// A fixed number of texts, UTF-8, one behind the other in one buffer that is used again and again: there are so many
/// visits that a buffer for each text would cost more than the texts.
/// </summary>
/// <param name="count">How many texts.</param>
/// <param name="bytes">What they mostly take together; the buffer grows where it is more.</param>
internal sealed class TextRow(int count, int bytes)
{
    private readonly int[] _ends = new int[count];
    private byte[] _buffer = new byte[bytes];

    /// <summary>The text, empty when there is none; valid until it or one before it is set.</summary>
    public ReadOnlySpan<byte> this[int index] => _buffer.AsSpan(Start(index).._ends[index]);

    /// <summary>Sets a text, and empties those behind it.</summary>
    public void Set(int index, ReadOnlySpan<byte> text)
    {
        int start = Start(index), end = start + text.Length;
        if (_buffer.Length < end)
            Array.Resize(ref _buffer, Math.Max(end, _buffer.Length * 2));
        text.CopyTo(_buffer.AsSpan(start));
        _ends.AsSpan(index).Fill(end);
    }

    /// <summary>For whoever looks; null when there is none.</summary>
    public string? String(int index) => this[index] is { IsEmpty: false } text ? Encoding.UTF8.GetString(text) : null;

    private int Start(int index) => index == 0 ? 0 : _ends[index - 1];
}
