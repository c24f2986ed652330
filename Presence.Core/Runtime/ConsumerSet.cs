using Presence.Core.Log;

namespace Presence.Core.Runtime;

/// <summary>
/// The consumers of one worker as one. A consumer reads a partition once, but two stages may read the same topic, each
/// at its own place: a partition that is taken goes to the next consumer, which is made when it is first needed.
/// </summary>
internal sealed class ConsumerSet(Func<int, ILogConsumer> create) : IDisposable
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(5);

    private readonly List<ILogConsumer> _consumers = [];
    private readonly List<HashSet<TopicPartition>> _taken = [];
    private readonly Dictionary<int, (int Consumer, TopicPartition Partition)> _slots = [];
    private volatile ILogConsumer? _waiting;
    private volatile bool _woken;
    private int _first;

    /// <summary>Makes as many consumers as the topics will take, each of which learns of what it may have to read.</summary>
    public void Prepare(IEnumerable<string> topics)
    {
        foreach (IGrouping<string, string> readers in topics.GroupBy(t => t))
        {
            for (int index = 0; index < readers.Count(); index++)
            {
                if (index == _consumers.Count)
                    AddConsumer();
                _consumers[index].Prepare(readers.Key);
            }
        }
    }

    /// <summary>Begins to read, or moves the position of a slot.</summary>
    public void Add(int slot, TopicPartition partition, long offset)
    {
        if (!_slots.TryGetValue(slot, out var place))
        {
            int index = _taken.FindIndex(t => !t.Contains(partition));
            if (index < 0)
            {
                index = _consumers.Count;
                AddConsumer();
            }

            _taken[index].Add(partition);
            _slots[slot] = place = (index, partition);
        }

        _consumers[place.Consumer].Add(partition, slot, offset);
    }

    /// <summary>Ends reading of a slot.</summary>
    public void Remove(int slot)
    {
        if (!_slots.Remove(slot, out var place))
            return;
        _taken[place.Consumer].Remove(place.Partition);
        _consumers[place.Consumer].Remove(place.Partition);
    }

    /// <summary>Delivers what is there, at most <paramref name="maxRecords"/>; waits at most <paramref name="wait"/> for the first.</summary>
    public int Poll(ILogReceiver receiver, int maxRecords, TimeSpan wait)
    {
        int delivered = 0;
        while (true)
        {
            for (int i = 0; i < _consumers.Count && delivered < maxRecords; i++)
                delivered += _consumers[(_first + i) % _consumers.Count].Poll(receiver, maxRecords - delivered, TimeSpan.Zero);
            if (_consumers.Count > 0)
                _first = (_first + 1) % _consumers.Count;
            if (delivered > 0 || wait <= TimeSpan.Zero || _woken || _consumers.Count == 0)
                break;

            // One consumer can wait at leisure; several take turns.
            TimeSpan slice = _consumers.Count == 1 || wait < Slice ? wait : Slice;
            wait -= slice;
            _waiting = _consumers[_first];
            delivered += _waiting.Poll(receiver, maxRecords, slice);
            _waiting = null;
        }

        _woken = false;
        return delivered;
    }

    /// <summary>Ends a wait early; any thread.</summary>
    public void Wake()
    {
        _woken = true;
        _waiting?.Wake();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ILogConsumer consumer in _consumers)
            consumer.Dispose();
    }

    private void AddConsumer()
    {
        _consumers.Add(create(_consumers.Count));
        _taken.Add([]);
    }
}
