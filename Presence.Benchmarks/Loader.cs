using System.Diagnostics;
using Confluent.Kafka;

namespace Presence.Benchmarks;

/// <summary>Fills the input topics with a load.</summary>
internal sealed class Loader : IDisposable
{
    private static readonly TimeSpan FlushLimit = TimeSpan.FromMinutes(2);

    private readonly IProducer<byte[], byte[]> _producer;
    private readonly ILoad _load;
    private readonly Action<DeliveryReport<byte[], byte[]>> _delivered;
    private string? _failure;
    private long _sent;

    /// <summary>Of <paramref name="load"/>, which it alone asks from now on.</summary>
    public Loader(string bootstrap, ILoad load)
    {
        _load = load;
        _delivered = report => _failure ??= report.Error.IsError ? report.Error.Reason : null;
        _producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            LingerMs = 20,
            BatchSize = 262_144,
            CompressionType = CompressionType.Lz4,
            Acks = Acks.All,
            EnableIdempotence = true,
            QueueBufferingMaxKbytes = 65_536,
            Partitioner = Partitioner.Murmur2Random,
            DeliveryReportFields = "none",
        }).Build();
    }

    /// <summary>Probes handed to the client so far. Any thread.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Loads <paramref name="records"/> probes and what goes with them as fast as it goes.</summary>
    public static void Load(string bootstrap, ILoad load, long records, CancellationToken cancellation)
    {
        Report.Say($"loading {records} probes");
        using Loader loader = new(bootstrap, load);
        loader.Run(records, rate: 0, cancellation);
    }

    /// <summary>
    /// Loads so many probes more, at <paramref name="rate"/> probes/s (0: as fast as it goes). Returns when all are
    /// written. Throws when any could not be, and when it is cancelled.
    /// </summary>
    public void Run(long records, double rate, CancellationToken cancellation)
    {
        long began = Stopwatch.GetTimestamp();
        ILoad.Receiver take = Produce;
        for (long sent = 0; sent < records;)
        {
            cancellation.ThrowIfCancellationRequested();
            ThrowIfFailed();
            _load.Next(take);
            sent++;
            Volatile.Write(ref _sent, _sent + 1);
            if (rate > 0 && sent % 50 == 0)
            {
                double ahead = (sent / rate) - Stopwatch.GetElapsedTime(began).TotalSeconds;
                if (ahead > 0.001)
                    cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(ahead));
            }
        }

        _producer.Flush(FlushLimit);
        ThrowIfFailed();
    }

    /// <summary>
    /// Loads on another thread until <paramref name="stop"/>, or as many as asked for. The task fails when a record could
    /// not be written; it must have ended before this is disposed of.
    /// </summary>
    public Task Steadily(double rate, CancellationToken stop, long records = long.MaxValue) => Task.Run(
        () =>
        {
            try
            {
                Run(records, rate, stop);
            }
            catch (OperationCanceledException)
            {
                _producer.Flush(FlushLimit);
                ThrowIfFailed();
            }
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public void Dispose() => _producer.Dispose();

    private void ThrowIfFailed()
    {
        if (_failure is not null)
            throw new InvalidOperationException($"A record could not be written: {_failure}");
    }

    private void Produce(string topic, byte[] key, byte[] value, long at)
    {
        Message<byte[], byte[]> message = new() { Key = key, Value = value, Timestamp = new Timestamp(at, TimestampType.CreateTime) };
        while (true)
        {
            try
            {
                _producer.Produce(topic, message, _delivered);
                return;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                _producer.Poll(TimeSpan.FromMilliseconds(50));
            }
        }
    }
}
