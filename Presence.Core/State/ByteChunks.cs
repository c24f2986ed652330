namespace Presence.Core.State;

/// <summary>
/// Memory that the maps of one task share: what one gives back another takes. Chunks are small enough for the garbage
/// collector's ordinary heap, so that growing neither copies nor leaves large arrays behind. Not thread-safe.
/// </summary>
public sealed class ByteChunks
{
    /// <summary>Bytes of a chunk.</summary>
    public const int Size = 64 * 1024;

    private readonly Stack<byte[]> _free = new();

    /// <summary>A chunk; what it holds is arbitrary.</summary>
    public byte[] Take() => _free.TryPop(out byte[]? chunk) ? chunk : GC.AllocateUninitializedArray<byte>(Size);

    /// <summary>A chunk is not used any more.</summary>
    public void Return(byte[] chunk)
    {
        // Larger ones hold one large value each.
        if (chunk.Length == Size)
            _free.Push(chunk);
    }
}
