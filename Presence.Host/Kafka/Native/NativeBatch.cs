using System.Runtime.InteropServices;

namespace Presence.Host.Kafka.Native;

/// <summary>
/// Takes what a consumer has fetched, many messages with one call and none copied. Only for consumers without group
/// membership: a rebalance could outdate a batch that is taken but not delivered yet.
/// </summary>
internal sealed unsafe class NativeBatch : IDisposable
{
    // More gains nothing measurable.
    private const int MessagesMax = 256;

    private readonly LibrdKafka _library;
    private readonly SafeHandle _consumer;
    private readonly nint _queue;
    private readonly ConsumedMessage** _messages;
    private readonly nint[] _handles = new nint[MessagesMax];
    private readonly KafkaTopicSlots?[] _topics = new KafkaTopicSlots?[MessagesMax];
    private int _count, _next, _topicCount;

    public NativeBatch(LibrdKafka library, Confluent.Kafka.Handle consumer)
    {
        _library = library;
        _consumer = LibrdKafka.HandleOf(consumer);
        _queue = library.QueueOfConsumer(_consumer);
        _messages = (ConsumedMessage**)NativeMemory.Alloc(MessagesMax, (nuint)sizeof(ConsumedMessage*));
    }

    /// <summary>
    /// Takes at most <paramref name="max"/> messages; false when there are none. The client's call comes back when it
    /// has all it was asked for or when the time is over. So what is there is taken without waiting, and only where
    /// there is nothing is one message waited for: the next call takes what came with it.
    /// </summary>
    public bool Fetch(int max, TimeSpan wait)
    {
        _next = _topicCount = 0;
        _count = _library.ConsumeBatch(_queue, 0, _messages, Math.Min(max, MessagesMax));
        if (_count <= 0 && wait > TimeSpan.Zero)
            _count = _library.ConsumeBatch(_queue, (int)wait.TotalMilliseconds, _messages, 1);
        return _count > 0;
    }

    /// <summary>The next message, the caller's to destroy; null at the end.</summary>
    public ConsumedMessage* Next() => _next < _count ? _messages[_next++] : null;

    /// <summary>
    /// The slots of a message's topic; null when none is read. Handles are told apart within a batch only: a later
    /// topic can have the address of one that is gone.
    /// </summary>
    public KafkaTopicSlots? TopicOf(ConsumedMessage* message, KafkaSlots slots)
    {
        for (int i = _topicCount - 1; i >= 0; i--)
        {
            if (_handles[i] == message->Topic)
                return _topics[i];
        }

        KafkaTopicSlots? topic = message->Topic == 0 ? null : slots.Find(_library.NameOf(message->Topic));
        _handles[_topicCount] = message->Topic;
        _topics[_topicCount++] = topic;
        return topic;
    }

    public void Dispose()
    {
        NativeMemory.Free(_messages);
        _library.DestroyQueue(_queue);
        _consumer.DangerousRelease();
    }
}
