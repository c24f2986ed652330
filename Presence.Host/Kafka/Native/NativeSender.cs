using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Presence.Host.Kafka.Native;

/// <summary>Hands records over to a producer from where they lie: the client copies them, nothing else does.</summary>
internal sealed unsafe class NativeSender : IDisposable
{
    // RD_KAFKA_MSG_F_COPY
    private const int Copy = 2;

    private readonly LibrdKafka _library;
    private readonly SafeHandle _producer;
    private readonly Dictionary<string, nint> _topics = [];

    public NativeSender(LibrdKafka library, Confluent.Kafka.Handle producer)
    {
        _library = library;
        _producer = LibrdKafka.HandleOf(producer);
    }

    /// <summary>Returns when a broker is connected and has named the others, or the time is over.</summary>
    public void Connect(TimeSpan limit) => _library.AskBrokers(_producer, (int)limit.TotalMilliseconds);

    /// <summary>
    /// Sends a record whose delivery nobody asks for. False when the client did not take it: then it has kept nothing
    /// of it, and says why when it is asked its own way.
    /// </summary>
    [SkipLocalsInit]
    public bool TrySend(string topic, int partition, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long timestamp)
    {
        if (!_topics.TryGetValue(topic, out nint handle))
        {
            handle = _library.OpenTopic(_producer, topic);
            if (handle == 0)
                return false;
            _topics.Add(topic, handle);
        }

        ProduceArgument* arguments = stackalloc ProduceArgument[6];
        fixed (byte* keyBytes = key)
        fixed (byte* valueBytes = value)
        {
            // An empty span can be a null pointer, which would be no key and a tombstone: empty is anywhere, 0 bytes.
            byte* anywhere = (byte*)arguments;
            Set(arguments, ProduceArgumentKind.Topic, handle, 0);
            Set(arguments + 1, ProduceArgumentKind.Partition, partition, 0);
            Set(arguments + 2, ProduceArgumentKind.Flags, Copy, 0);
            Set(arguments + 3, ProduceArgumentKind.Key, hasKey ? (nint)(key.IsEmpty ? anywhere : keyBytes) : 0, hasKey ? key.Length : 0);
            Set(arguments + 4, ProduceArgumentKind.Value, hasValue ? (nint)(value.IsEmpty ? anywhere : valueBytes) : 0, hasValue ? value.Length : 0);
            Set(arguments + 5, ProduceArgumentKind.Timestamp, timestamp, 0);
            return _library.Produce(_producer, arguments, 6);
        }
    }

    /// <summary>Before the producer: it does not end while topics are open.</summary>
    public void Dispose()
    {
        foreach (nint topic in _topics.Values)
            _library.CloseTopic(topic);
        _producer.DangerousRelease();
    }

    private static void Set(ProduceArgument* argument, ProduceArgumentKind kind, long value, int length)
    {
        argument->Kind = kind;
        argument->Value = value;
        argument->Length = (nuint)length;
    }
}
