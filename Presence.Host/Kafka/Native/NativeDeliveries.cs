using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using TopicPartition = Presence.Core.Log.TopicPartition;

namespace Presence.Host.Kafka.Native;

/// <summary>
/// Takes a producer's delivery reports a batch at a time, where the client makes a call and an object for each record.
/// What is not taken here the client still serves its own way, a handler for each tracked record included: so either
/// may take any of them. The producer must not poll in the background.
/// </summary>
internal sealed unsafe class NativeDeliveries : IDisposable
{
    private readonly LibrdKafka _library;
    private readonly SafeHandle _producer;
    private readonly nint _queue;
    private readonly Action<TopicPartition, Error, long> _onReport;

    /// <summary>
    /// <paramref name="onReport"/> is told of each record that was sent with a handler, and of its offset; and of each
    /// that has none.
    /// </summary>
    public NativeDeliveries(LibrdKafka library, Handle producer, Action<TopicPartition, Error, long> onReport)
    {
        _library = library;
        _producer = LibrdKafka.HandleOf(producer);
        _queue = library.MainQueue(_producer);
        _onReport = onReport;
    }

    /// <summary>Records whose reports were not taken yet.</summary>
    public int Unreported => _library.Unreported(_producer);

    /// <summary>Takes what is there, and waits at most that long where there is nothing. False when nothing came.</summary>
    public bool Take(TimeSpan wait)
    {
        nint happened = _library.PollQueue(_queue, (int)wait.TotalMilliseconds);
        if (happened == 0)
            return false;
        do
        {
            ConsumedMessage* message;
            while ((message = _library.NextMessage(happened)) != null)
            {
                if (message->Private != 0 || message->Error != 0 || message->Offset < 0)
                    OnReport(message);
            }

            _library.DestroyEvent(happened);
        }
        while ((happened = _library.PollQueue(_queue, 0)) != 0);
        return true;
    }

    // The client keeps a record's handler by a handle in its private field, and frees it with the report.
    private void OnReport(ConsumedMessage* message)
    {
        if (message->Private != 0)
            GCHandle.FromIntPtr(message->Private).Free();
        string topic = Encoding.UTF8.GetString(_library.NameOf(message->Topic));
        _onReport(new TopicPartition(topic, message->Partition), new Error((ErrorCode)message->Error), message->Offset);
    }

    /// <summary>Before the producer.</summary>
    public void Dispose()
    {
        _library.DestroyQueue(_queue);
        _producer.DangerousRelease();
    }
}
