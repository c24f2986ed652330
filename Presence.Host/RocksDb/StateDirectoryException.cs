namespace Presence.Host.RocksDb;

/// <summary>The state directory cannot be used; the message says why and what to do.</summary>
public sealed class StateDirectoryException : Exception
{
    /// <summary>With the whole sentence.</summary>
    public StateDirectoryException(string message, Exception? inner = null, bool mayPass = false)
        : base(message, inner) => MayPass = mayPass;

    /// <summary>Whether another attempt may do: its disk is full, or does not answer.</summary>
    public bool MayPass { get; }
}
