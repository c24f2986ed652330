namespace Presence.Core.Log.Simulated;

/// <summary>A consumer: fetches take their time, and their answers may be old when they come.</summary>
internal sealed class SimulatedConsumer(SimulatedLog log, IsolationLevel isolation) : LogConsumer
{
    private enum Fetch
    {
        None,
        Sent,
        Answered,
    }

    private sealed class Reading(TopicPartition partition)
    {
        public TopicPartition Partition { get; } = partition;

        /// <summary>Which broker it is on follows from this; asked for at every poll.</summary>
        public string Name { get; } = partition.ToString();

        public int Slot { get; init; }

        public long Position { get; set; }

        public Fetch Fetch { get; set; }

        /// <summary>When the next step of the fetch can happen, µs.</summary>
        public long At { get; set; }

        /// <summary>Up to where the answer goes.</summary>
        public long Limit { get; set; }

        public long HighWatermark { get; set; }

        public bool IsDenied { get; set; }

        /// <summary>End that was reported last.</summary>
        public long Reported { get; set; } = -1;
    }

    private readonly SimulatedWorld _world = log.Cluster.World;
    private readonly List<Reading> _readings = [];

    public override void Prepare(string topic)
    {
        // Fetches take their time anyhow.
    }

    public override void Add(TopicPartition partition, int slot, long offset)
    {
        Remove(partition);
        _readings.Add(new Reading(partition) { Slot = slot, Position = offset });
    }

    public override void Remove(TopicPartition partition) => _readings.RemoveAll(r => r.Partition == partition);

    protected override int Read(ILogReceiver receiver, int maxRecords, TimeSpan wait)
    {
        int delivered = 0;
        int first = _readings.Count > 1 ? _world.Next(_readings.Count) : 0;
        for (int i = 0; i < _readings.Count; i++)
        {
            Reading reading = _readings[(first + i) % _readings.Count];
            if (delivered < maxRecords)
                delivered += Serve(reading, receiver, maxRecords - delivered);
        }

        return delivered;
    }

    public override void Wake()
    {
        // One thread drives all: nobody waits in a poll.
    }

    protected override void Close() => _readings.Clear();

    private int Serve(Reading reading, ILogReceiver receiver, int maxRecords)
    {
        if (_world.Now < reading.At || _world.Now < log.HeldUntil(reading.Partition.Topic))
            return 0;
        SimulatedPartition? partition = log.Cluster.Find(reading.Partition);
        if (partition is null)
            return Fault(reading, receiver, LogFault.UnknownPartition);
        if (reading.Fetch == Fetch.None)
        {
            if (!log.Cluster.IsUp(reading.Name) || _world.Faults.Strikes(SimulatedFault.Unreachable, 0.01))
                return Fault(reading, receiver, LogFault.Unreachable);
            if (log.Cluster.Denied.Contains(reading.Partition.Topic))
            {
                // It is said once, and asked again and again.
                if (reading.IsDenied)
                    return 0;
                reading.IsDenied = true;
                return Fault(reading, receiver, LogFault.Unauthorized);
            }

            reading.IsDenied = false;
            // Most of the time nothing has come since.
            if (reading.Position == reading.Reported && End(partition) == reading.Position)
                return 0;
            reading.Fetch = Fetch.Sent;
            if (_world.Faults.Strikes(SimulatedFault.SlowNetwork))
            {
                reading.At = _world.Now + (long)_world.Span(50, 2000).TotalMicroseconds;
                return 0;
            }
        }

        if (reading.Fetch == Fetch.Sent)
        {
            if (reading.Position < partition.Start)
                return Fault(reading, receiver, LogFault.OffsetBelowStart);
            if (reading.Position > partition.End)
                return Fault(reading, receiver, LogFault.OffsetBeyondEnd);
            reading.Limit = End(partition);
            reading.HighWatermark = partition.End;
            reading.Fetch = Fetch.Answered;
            if (_world.Faults.Strikes(SimulatedFault.StaleFetch))
            {
                reading.At = _world.Now + (long)_world.Span(50, 2000).TotalMicroseconds;
                return 0;
            }
        }

        return Deliver(reading, partition, receiver, maxRecords);
    }

    private int Deliver(Reading reading, SimulatedPartition partition, ILogReceiver receiver, int maxRecords)
    {
        int delivered = 0;
        for (int i = partition.IndexOf(reading.Position); i < partition.Records.Count && partition.Records[i].Offset < reading.Limit; i++)
        {
            SimulatedRecord record = partition.Records[i];
            if (isolation == IsolationLevel.ReadCommitted ? !record.IsVisible : record.IsMarker)
                continue;
            if (delivered == maxRecords)
                return delivered;
            reading.Position = record.Offset + 1;
            delivered++;
            receiver.OnRecord(reading.Slot, new LogRecord
            {
                Offset = record.Offset,
                Timestamp = record.Timestamp,
                Key = record.Key,
                HasKey = record.Key is not null,
                Value = record.Value,
                HasValue = record.Value is not null,
            });
        }

        reading.Position = Math.Max(reading.Position, reading.Limit);
        reading.Fetch = Fetch.None;
        if (reading.Reported != reading.Position)
        {
            reading.Reported = reading.Position;
            receiver.OnEnd(reading.Slot, reading.Position, reading.HighWatermark);
        }

        return delivered;
    }

    private int Fault(Reading reading, ILogReceiver receiver, LogFault fault)
    {
        reading.Fetch = Fetch.None;
        reading.Reported = -1;
        reading.At = _world.Now + (long)_world.Span(100, 1000).TotalMicroseconds;
        receiver.OnFault(reading.Slot, fault, reading.Position, $"{reading.Name}: {fault}");
        return 0;
    }

    private long End(SimulatedPartition partition) => isolation == IsolationLevel.ReadCommitted ? partition.StableEnd : partition.End;
}
