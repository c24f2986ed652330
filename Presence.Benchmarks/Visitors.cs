using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;

namespace Presence.Benchmarks;

/// <summary>
/// Visitors of whom the moments are known: when the probe that makes them present was appended, when their enriched
/// walk-in and their count could be read. Each has logged in before, is seen three times within the dwell of five minutes
/// of event time, and comes once. Their probes have a producer of their own that waits for nothing, beside whatever load
/// there is, and follow its event time.
/// </summary>
internal sealed class Visitors : IDisposable
{
    private const long DwellMs = 300_000;
    private const string Prefix = "latency-";

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Visit> _visits = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IProducer<byte[], byte[]> _producer;
    private readonly Thread _watcher;
    private readonly string _bootstrap;
    private readonly int _partitions;
    private string? _failure;
    private int _known;
    private int _next;

    /// <summary>Moments in ms of the wall clock; 0: not yet.</summary>
    private sealed class Visit
    {
        public double Sent;
        public double Appended;
        public double Enriched;
        public double Counted;
    }

    /// <summary>Watches the outputs from now on.</summary>
    public Visitors(string bootstrap, int partitions)
    {
        _bootstrap = bootstrap;
        _partitions = partitions;
        _producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            LingerMs = 0,
            Acks = Acks.All,
            EnableIdempotence = true,
            Partitioner = Confluent.Kafka.Partitioner.Murmur2Random,
            DeliveryReportFields = "status,timestamp",
        }).Build();
        _watcher = new Thread(Watch) { Name = "outputs", IsBackground = true };
        _watcher.Start();
    }

    /// <summary>Makes known so many more who will come, with logins before <paramref name="at"/>, by way of the backfill topics: such a login makes no one present.</summary>
    public void LogIn(int count, long at)
    {
        for (int i = 0; i < count; i++, _known++)
        {
            string contact = Contact(_known);
            byte[] key = Encoding.ASCII.GetBytes(contact);
            Produce("crm-contacts-backfill", key, $"{{\"contact\":\"{contact}\",\"email\":\"{contact}@example.org\",\"at\":{at}}}", at, null);
            Produce("crm-logins-backfill", key, $"{{\"contact\":\"{contact}\",\"device\":\"{Device(_known)}\",{Place(_known)},\"at\":{at}}}", at, null);
        }

        _producer.Flush(FlushLimit);
        ThrowIfFailed();
    }

    /// <summary>
    /// Lets known visitors come, so many a second, until <paramref name="stop"/>; event time is that of
    /// <paramref name="clock"/>. Returns the first and the one past the last of those who came.
    /// </summary>
    public (int From, int To) Come(double perSecond, Func<long> clock, CancellationToken stop)
    {
        int from = _next;
        PriorityQueue<(int Visitor, int Probe), long> due = new();
        DateTimeOffset began = TimeProvider.System.GetUtcNow();
        while (!stop.IsCancellationRequested)
        {
            ThrowIfFailed();
            long now = clock();
            while (_next < _known && _next - from < (TimeProvider.System.GetUtcNow() - began).TotalSeconds * perSecond)
                due.Enqueue((_next++, 0), now);
            while (due.TryPeek(out (int Visitor, int Probe) next, out long at) && at <= now)
            {
                due.Dequeue();
                See(next.Visitor, at, completes: next.Probe == 2);
                if (next.Probe < 2)
                    due.Enqueue((next.Visitor, next.Probe + 1), at + (DwellMs / 2));
            }

            stop.WaitHandle.WaitOne(Step);
        }

        _producer.Flush(FlushLimit);
        ThrowIfFailed();
        return (from, _next);
    }

    /// <summary>
    /// What was measured of those whose last probe was sent from <paramref name="since"/> to <paramref name="until"/> (ms of the
    /// wall clock): from append to readable, ms; and how many are not readable yet.
    /// </summary>
    public (Latencies Enriched, Latencies Counted) Measured(int from, int to, double since, double until)
    {
        List<double> enriched = [], counted = [];
        int came = 0;
        for (int visitor = from; visitor < to; visitor++)
        {
            if (!_visits.TryGetValue(Device(visitor), out Visit? visit) || visit.Sent < since || visit.Sent > until)
                continue;
            came++;
            if (visit.Enriched > 0)
                enriched.Add(visit.Enriched - visit.Appended);
            if (visit.Counted > 0)
                counted.Add(visit.Counted - visit.Appended);
        }

        return (new Latencies(enriched, came - enriched.Count), new Latencies(counted, came - counted.Count));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _watcher.Join();
        _producer.Dispose();
        _stop.Dispose();
    }

    private static double Now() => (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalMilliseconds;

    private static string Device(int visitor) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{visitor}");

    private static string Contact(int visitor) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{visitor}");

    private static string Place(int visitor) =>
        string.Create(CultureInfo.InvariantCulture, $"\"business\":\"business-{visitor % RecordMix.DefaultVenues / 4}\",\"venue\":\"venue-{visitor % RecordMix.DefaultVenues}\"");

    private void See(int visitor, long at, bool completes)
    {
        string device = Device(visitor);
        string value = string.Create(CultureInfo.InvariantCulture, $"{{\"device\":\"{device}\",{Place(visitor)},\"ap\":\"ap-0\",\"rssi\":-50,\"at\":{at}}}");
        Visit? visit = completes ? new Visit { Sent = Now() } : null;
        if (visit is not null)
            _visits[device] = visit;
        Produce("probes", Encoding.ASCII.GetBytes(device), value, at, visit);
    }

    // With log append time, the report says when the broker appended it.
    private void Produce(string topic, byte[] key, string value, long at, Visit? visit)
    {
        Message<byte[], byte[]> message = new() { Key = key, Value = Encoding.ASCII.GetBytes(value), Timestamp = new Timestamp(at, TimestampType.CreateTime) };
        _producer.Produce(topic, message, report =>
        {
            if (report.Error.IsError)
                _failure ??= report.Error.Reason;
            else if (visit is not null && report.Timestamp.Type == TimestampType.LogAppendTime)
                visit.Appended = report.Timestamp.UnixTimestampMs;
            else if (visit is not null)
                _failure ??= "the topic probes does not stamp records with the time of their append";
        });
    }

    private void Watch()
    {
        try
        {
            ConsumerConfig config = new() { BootstrapServers = _bootstrap, GroupId = "latency", EnableAutoCommit = false, IsolationLevel = IsolationLevel.ReadCommitted, FetchQueueBackoffMs = 1 };
            using IConsumer<Ignore, byte[]> consumer = new ConsumerBuilder<Ignore, byte[]>(config).Build();
            consumer.Assign(new[] { "enriched-walk-ins", "walk-in-counts" }.SelectMany(t => Enumerable.Range(0, _partitions).Select(p => new TopicPartitionOffset(t, p, Offset.Beginning))));
            while (!_stop.IsCancellationRequested)
            {
                ConsumeResult<Ignore, byte[]>? result = consumer.Consume(TimeSpan.FromMilliseconds(100));
                if (result?.Message.Value is { } value)
                    Seen(result.Topic == "enriched-walk-ins", value, Now());
            }
        }
        catch (KafkaException e)
        {
            _failure ??= e.Error.Reason;
        }
    }

    // A device and its contact have the same name; those of the load have others.
    private void Seen(bool enriched, ReadOnlySpan<byte> value, double now)
    {
        if (value.IndexOf("\"latency-"u8) < 0)
            return;
        Utf8JsonReader reader = new(value);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        if (!_visits.TryGetValue(document.RootElement.GetProperty("contact").GetString()!, out Visit? visit))
            return;
        if (enriched)
            visit.Enriched = now;
        else
            visit.Counted = now;
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
            throw new InvalidOperationException($"The visitors cannot be measured: {_failure}");
    }
}
