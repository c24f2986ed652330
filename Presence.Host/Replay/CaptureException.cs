namespace Presence.Host.Replay;

/// <summary>A capture cannot be read, or not be read on. The message names the file, the place and the reason.</summary>
public sealed class CaptureException : Exception
{
    /// <summary>With a message for people.</summary>
    public CaptureException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
