namespace Presence.Core.Events;

/// <summary>Record keys made of more than one id.</summary>
public static class RecordKeys
{
    /// <summary>Longest <c>business|contact</c>, bytes.</summary>
    public const int PairBytesMax = (2 * Utf8Text.IdBytesMax) + 1;

    /// <summary>Whether a key is <c>business|contact</c>.</summary>
    public static bool IsPair(ReadOnlySpan<byte> key, ReadOnlySpan<byte> business, ReadOnlySpan<byte> contact) =>
        key.Length == business.Length + 1 + contact.Length
        && key.StartsWith(business)
        && key[business.Length] == (byte)'|'
        && key.EndsWith(contact);

    /// <summary>Writes <c>business|contact</c>; returns what was written of <paramref name="buffer"/>, <see cref="PairBytesMax"/> long.</summary>
    public static ReadOnlySpan<byte> WritePair(byte[] buffer, ReadOnlySpan<byte> business, ReadOnlySpan<byte> contact)
    {
        business.CopyTo(buffer);
        buffer[business.Length] = (byte)'|';
        contact.CopyTo(buffer.AsSpan(business.Length + 1));
        return buffer.AsSpan(0, business.Length + 1 + contact.Length);
    }
}
