namespace Presence.Benchmarks;

/// <summary>Makes records for the input topics, one probe after the other. One thread.</summary>
internal interface ILoad
{
    /// <summary>Takes a record: topic, key, value, event time in ms.</summary>
    delegate void Receiver(string topic, byte[] key, byte[] value, long at);

    /// <summary>Event time of the last probe, ms. Any thread.</summary>
    long Now { get; }

    /// <summary>Makes the next probe, and what goes with it.</summary>
    void Next(Receiver take);
}
