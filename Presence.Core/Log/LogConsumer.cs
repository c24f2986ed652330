namespace Presence.Core.Log;

/// <summary>
/// What all consumers have in common: they are disposed of once, and never by what they deliver, for that lies in their
/// memory.
/// </summary>
public abstract class LogConsumer : ILogConsumer
{
    private bool _isPolling;
    private bool _isDisposed;

    /// <inheritdoc/>
    public abstract void Prepare(string topic);

    /// <inheritdoc/>
    public abstract void Add(TopicPartition partition, int slot, long offset);

    /// <inheritdoc/>
    public abstract void Remove(TopicPartition partition);

    /// <inheritdoc/>
    public abstract void Wake();

    /// <inheritdoc/>
    public int Poll(ILogReceiver receiver, int maxRecords, TimeSpan wait)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _isPolling = true;
        try
        {
            return Read(receiver, maxRecords, wait);
        }
        finally
        {
            _isPolling = false;
        }
    }

    /// <summary>Ends it. Throws <see cref="InvalidOperationException"/> within a poll.</summary>
    public void Dispose()
    {
        if (_isPolling)
            throw new InvalidOperationException("a consumer is disposed of by what it delivers: end it between two polls");
        if (_isDisposed)
            return;
        _isDisposed = true;
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>One poll.</summary>
    protected abstract int Read(ILogReceiver receiver, int maxRecords, TimeSpan wait);

    /// <summary>Gives back what it has; called once.</summary>
    protected abstract void Close();
}
