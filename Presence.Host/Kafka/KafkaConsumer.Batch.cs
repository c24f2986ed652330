using Confluent.Kafka;
using Presence.Core.Log;
using Presence.Host.Kafka.Native;
using TopicPartition = Presence.Core.Log.TopicPartition;

namespace Presence.Host.Kafka;

internal sealed unsafe partial class KafkaConsumer
{
    // Records are handed over where the client has them; nothing is allocated for one.
    private bool TakeBatch(ILogReceiver receiver, int max, TimeSpan wait, ref int delivered, ref bool news)
    {
        if (!_batch!.Fetch(max, wait))
            return false;
        ConsumedMessage* message = null;
        try
        {
            while ((message = _batch.Next()) is not null)
            {
                Deliver(message, receiver, ref delivered, ref news);
                _library!.Destroy(message);
            }
        }
        catch
        {
            // What the receiver threw at counts as delivered, as it does the client's own way.
            _library!.Destroy(message);
            ReadAgain();
            throw;
        }

        return true;
    }

    private void Deliver(ConsumedMessage* message, ILogReceiver receiver, ref int delivered, ref bool news)
    {
        KafkaTopicSlots? topic = _batch!.TopicOf(message, _slots);
        int slot = topic?.Of(message->Partition) ?? -1;
        if (slot < 0)
            return;
        switch ((ErrorCode)message->Error)
        {
            case ErrorCode.NoError:
                delivered++;
                receiver.OnRecord(slot, new LogRecord
                {
                    Offset = message->Offset,
                    Timestamp = _library!.TimestampOf(message),
                    Key = new ReadOnlySpan<byte>(message->Key, (int)message->KeyLength),
                    HasKey = message->Key is not null,
                    Value = new ReadOnlySpan<byte>(message->Value, (int)message->ValueLength),
                    HasValue = message->Value is not null,
                });
                break;
            case ErrorCode.Local_PartitionEOF:
                news = true;
                receiver.OnEnd(slot, message->Offset, EndOf(new Confluent.Kafka.TopicPartition(topic!.Topic, message->Partition)));
                break;
            case var code:
                Error error = new(code, _library!.ErrorOf(message), code == ErrorCode.Local_Fatal);
                news |= Report(error, topic!.Topic, message->Partition, slot, message->Offset, receiver);
                break;
        }
    }

    // The client takes what is in a batch for delivered. What was not is fetched again: a batch kept for the next poll
    // would have to follow every removal and every change of a position meanwhile.
    private void ReadAgain()
    {
        Dictionary<TopicPartition, (int Slot, long Offset)> positions = [];
        for (ConsumedMessage* message; (message = _batch!.Next()) is not null; _library!.Destroy(message))
        {
            KafkaTopicSlots? topic = _batch.TopicOf(message, _slots);
            int slot = topic?.Of(message->Partition) ?? -1;
            if (slot >= 0 && message->Offset >= 0)
                positions.TryAdd(new TopicPartition(topic!.Topic, message->Partition), (slot, message->Offset));
        }

        foreach ((TopicPartition partition, (int slot, long offset)) in positions)
            Add(partition, slot, offset);
    }
}
