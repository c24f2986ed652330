namespace Presence.Core.Log;

/// <summary>The log refused a call for good, or could not be reached for longer than the retries last.</summary>
public sealed class LogException : Exception
{
    /// <summary>With the log's own words.</summary>
    public LogException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
