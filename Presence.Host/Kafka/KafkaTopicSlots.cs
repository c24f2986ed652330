using System.Text;

namespace Presence.Host.Kafka;

/// <summary>The slots of one topic's partitions.</summary>
internal sealed class KafkaTopicSlots(string topic)
{
    private readonly byte[] _name = Encoding.UTF8.GetBytes(topic);

    // Each is one more than the slot; 0 where a partition is not read.
    private int[] _slots = [];

    public string Topic => topic;

    /// <summary>Partitions read.</summary>
    public int Count { get; private set; }

    public IEnumerable<int> Slots => _slots.Where(s => s > 0).Select(s => s - 1);

    public bool IsNamed(ReadOnlySpan<byte> utf8) => utf8.SequenceEqual(_name);

    /// <summary>The partition's slot; -1 when it is not read.</summary>
    public int Of(int partition) => (uint)partition < (uint)_slots.Length ? _slots[partition] - 1 : -1;

    public void Set(int partition, int slot)
    {
        if (partition >= _slots.Length)
            Array.Resize(ref _slots, partition + 1);
        if (_slots[partition] == 0)
            Count++;
        _slots[partition] = slot + 1;
    }

    public bool Remove(int partition)
    {
        if (Of(partition) < 0)
            return false;
        _slots[partition] = 0;
        Count--;
        return true;
    }
}
