namespace Presence.Core.State;

/// <summary>A store's medium failed: disk full, I/O error, a checksum that does not match.</summary>
public sealed class StoreException : Exception
{
    /// <summary>With the engine's own words.</summary>
    public StoreException(string message, bool isCorruption, Exception? inner = null)
        : base(message, inner) => IsCorruption = isCorruption;

    /// <summary>True when what is on disk cannot be trusted and must be rebuilt from the changelog.</summary>
    public bool IsCorruption { get; }
}
