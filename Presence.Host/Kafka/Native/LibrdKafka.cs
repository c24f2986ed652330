using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace Presence.Host.Kafka.Native;

/// <summary>
/// The functions of librdkafka that every record passes, called without the client's wrapping: see
/// docs/decisions/0009-records-pass-the-client-natively.md. All are of its public interface (rdkafka.h).
/// </summary>
internal sealed unsafe class LibrdKafka
{
    private static readonly PropertyInfo? HandleProperty = typeof(Handle).GetProperty("LibrdkafkaHandle", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    private readonly delegate* unmanaged[Cdecl]<nint, nint> _queueOfConsumer;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _destroyQueue;
    private readonly delegate* unmanaged[Cdecl]<nint, int, ConsumedMessage**, nuint, nint> _consumeBatch;
    private readonly delegate* unmanaged[Cdecl]<ConsumedMessage*, void> _destroyMessage;
    private readonly delegate* unmanaged[Cdecl]<ConsumedMessage*, byte*> _errorOfMessage;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nint, nint> _openTopic;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _closeTopic;
    private readonly delegate* unmanaged[Cdecl]<nint, ProduceArgument*, nuint, nint> _produce;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _destroyError;
    private readonly delegate* unmanaged[Cdecl]<nint, nint> _mainQueue;
    private readonly delegate* unmanaged[Cdecl]<nint, int, nint> _pollQueue;
    private readonly delegate* unmanaged[Cdecl]<nint, ConsumedMessage*> _nextMessage;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _destroyEvent;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _unreported;
    private readonly delegate* unmanaged[Cdecl]<nint, int, nint, nint*, int, int> _askBrokers;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _destroyMetadata;

    // These read a field: not worth telling the garbage collector.
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<ConsumedMessage*, int*, long> _timestamp;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*> _topicName;

    private LibrdKafka(nint library)
    {
        _queueOfConsumer = (delegate* unmanaged[Cdecl]<nint, nint>)NativeLibrary.GetExport(library, "rd_kafka_queue_get_consumer");
        _destroyQueue = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "rd_kafka_queue_destroy");
        _consumeBatch = (delegate* unmanaged[Cdecl]<nint, int, ConsumedMessage**, nuint, nint>)NativeLibrary.GetExport(library, "rd_kafka_consume_batch_queue");
        _destroyMessage = (delegate* unmanaged[Cdecl]<ConsumedMessage*, void>)NativeLibrary.GetExport(library, "rd_kafka_message_destroy");
        _errorOfMessage = (delegate* unmanaged[Cdecl]<ConsumedMessage*, byte*>)NativeLibrary.GetExport(library, "rd_kafka_message_errstr");
        _openTopic = (delegate* unmanaged[Cdecl]<nint, byte*, nint, nint>)NativeLibrary.GetExport(library, "rd_kafka_topic_new");
        _closeTopic = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "rd_kafka_topic_destroy");
        _produce = (delegate* unmanaged[Cdecl]<nint, ProduceArgument*, nuint, nint>)NativeLibrary.GetExport(library, "rd_kafka_produceva");
        _destroyError = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "rd_kafka_error_destroy");
        _mainQueue = (delegate* unmanaged[Cdecl]<nint, nint>)NativeLibrary.GetExport(library, "rd_kafka_queue_get_main");
        _pollQueue = (delegate* unmanaged[Cdecl]<nint, int, nint>)NativeLibrary.GetExport(library, "rd_kafka_queue_poll");
        _nextMessage = (delegate* unmanaged[Cdecl]<nint, ConsumedMessage*>)NativeLibrary.GetExport(library, "rd_kafka_event_message_next");
        _destroyEvent = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "rd_kafka_event_destroy");
        _unreported = (delegate* unmanaged[Cdecl]<nint, int>)NativeLibrary.GetExport(library, "rd_kafka_outq_len");
        _askBrokers = (delegate* unmanaged[Cdecl]<nint, int, nint, nint*, int, int>)NativeLibrary.GetExport(library, "rd_kafka_metadata");
        _destroyMetadata = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "rd_kafka_metadata_destroy");
        _timestamp = (delegate* unmanaged[Cdecl, SuppressGCTransition]<ConsumedMessage*, int*, long>)NativeLibrary.GetExport(library, "rd_kafka_message_timestamp");
        _topicName = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*>)NativeLibrary.GetExport(library, "rd_kafka_topic_name");
    }

    /// <summary>
    /// Binds the very library the client has loaded, wherever it found it; null, with the reason, where that cannot be
    /// done: then records go the client's own way.
    /// </summary>
    public static LibrdKafka? Load(out string reason)
    {
        try
        {
            // Does nothing when it is loaded already.
            Library.Load();
            reason = "";
            if (HandleProperty is null || !typeof(SafeHandle).IsAssignableFrom(HandleProperty.PropertyType))
                reason = "this version of Confluent.Kafka keeps its handle elsewhere";
            string[] paths = [.. Loaded()];
            // Of two builds of it the wrong one would read the other's handles.
            if (paths.Length != 1)
                reason = $"{paths.Length} libraries named librdkafka are loaded";
            return reason.Length > 0 ? null : new LibrdKafka(NativeLibrary.Load(paths[0]));
        }
#pragma warning disable CA1031 // Whatever is in the way, the client's own way is open.
        catch (Exception e)
#pragma warning restore CA1031
        {
            reason = e.Message;
            return null;
        }
    }

    /// <summary>A client's handle, kept from being destroyed until it is released once (DangerousRelease).</summary>
    public static SafeHandle HandleOf(Handle client)
    {
        SafeHandle handle = (SafeHandle)HandleProperty!.GetValue(client)!;
        bool added = false;
        handle.DangerousAddRef(ref added);
        return handle;
    }

    /// <summary>The queue that a consumer's records, errors and callbacks come by. To be destroyed before the consumer.</summary>
    public nint QueueOfConsumer(SafeHandle consumer) => _queueOfConsumer(consumer.DangerousGetHandle());

    public void DestroyQueue(nint queue) => _destroyQueue(queue);

    /// <summary>Serves callbacks and takes messages until there are <paramref name="count"/> or the time is over.</summary>
    public int ConsumeBatch(nint queue, int timeoutMs, ConsumedMessage** messages, int count) => (int)_consumeBatch(queue, timeoutMs, messages, (nuint)count);

    public void Destroy(ConsumedMessage* message) => _destroyMessage(message);

    public string? ErrorOf(ConsumedMessage* message) => Marshal.PtrToStringUTF8((nint)_errorOfMessage(message));

    /// <summary>Ms since 1970-01-01 UTC, whoever has set it.</summary>
    public long TimestampOf(ConsumedMessage* message)
    {
        int type;
        return _timestamp(message, &type);
    }

    /// <summary>The name of a topic's handle, UTF-8; lives as long as the handle.</summary>
    public ReadOnlySpan<byte> NameOf(nint topic) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_topicName(topic));

    /// <summary>A topic's handle, with the producer's settings; 0 when the name is refused. To be closed before the producer.</summary>
    public nint OpenTopic(SafeHandle producer, string topic)
    {
        byte* name = (byte*)Marshal.StringToCoTaskMemUTF8(topic);
        nint handle = _openTopic(producer.DangerousGetHandle(), name, 0);
        Marshal.FreeCoTaskMem((nint)name);
        return handle;
    }

    public void CloseTopic(nint topic) => _closeTopic(topic);

    /// <summary>False when the record was not taken.</summary>
    public bool Produce(SafeHandle producer, ProduceArgument* arguments, int count)
    {
        nint error = _produce(producer.DangerousGetHandle(), arguments, (nuint)count);
        if (error == 0)
            return true;
        _destroyError(error);
        return false;
    }

    /// <summary>The queue that a client's delivery reports come by. To be destroyed before the client.</summary>
    public nint MainQueue(SafeHandle client) => _mainQueue(client.DangerousGetHandle());

    /// <summary>Takes one event, to be destroyed; 0 when none came in time. Serves callbacks of what is no event.</summary>
    public nint PollQueue(nint queue, int timeoutMs) => _pollQueue(queue, timeoutMs);

    /// <summary>The next message of an event, which lives as long as it; null at the end, and where the event has none.</summary>
    public ConsumedMessage* NextMessage(nint happened) => _nextMessage(happened);

    public void DestroyEvent(nint happened) => _destroyEvent(happened);

    /// <summary>Records that are not delivered, or whose reports were not taken.</summary>
    public int Unreported(SafeHandle producer) => _unreported(producer.DangerousGetHandle());

    /// <summary>Returns when a broker has said which brokers there are, or the time is over.</summary>
    public void AskBrokers(SafeHandle client, int timeoutMs)
    {
        nint metadata = 0;
        if (_askBrokers(client.DangerousGetHandle(), 0, 0, &metadata, timeoutMs) == 0)
            _destroyMetadata(metadata);
    }

    private static IEnumerable<string> Loaded()
    {
        using Process process = Process.GetCurrentProcess();
        return process.Modules.Cast<ProcessModule>()
            .Select(m => m.FileName)
            .Where(f => Path.GetFileName(f).Contains("librdkafka", StringComparison.OrdinalIgnoreCase))
            .Distinct();
    }
}
