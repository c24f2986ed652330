namespace Presence.Core.Log;

/// <summary>Takes what a consumer's poll delivers. Called on the polling thread, in offset order per partition.</summary>
public interface ILogReceiver
{
    /// <summary>One record. <paramref name="slot"/> is what <see cref="ILogConsumer.Add"/> was given for the partition.</summary>
    void OnRecord(int slot, in LogRecord record);

    /// <summary>
    /// All that can be read at this isolation level has been delivered: the next record will have an offset of at
    /// least <paramref name="position"/>, which lies past trailing commit markers. <paramref name="highWatermark"/>
    /// is the end of the partition, open transactions included, as far as the client knows it.
    /// Reported each time the end is reached at a new position.
    /// </summary>
    void OnEnd(int slot, long position, long highWatermark);

    /// <summary>The partition cannot be read on at <paramref name="offset"/>.</summary>
    void OnFault(int slot, LogFault fault, long offset, string detail);
}
