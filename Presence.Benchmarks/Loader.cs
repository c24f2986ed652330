using System.Diagnostics;
using Confluent.Kafka;

namespace Presence.Benchmarks;

/// <summary>Fills the input topics.</summary>
internal static class Loader
{
    /// <summary>
    /// Loads <paramref name="records"/> probes and what goes with them, at <paramref name="rate"/> probes/s (0: as fast
    /// as it goes). Throws when any could not be written. Returns the probes written before <paramref name="cancellation"/>.
    /// </summary>
    public static long Load(string bootstrap, RecordMix mix, long records, double rate, CancellationToken cancellation)
    {
        ProducerConfig config = new()
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
        };
        string? failure = null;
        long sent = 0, began = Stopwatch.GetTimestamp();
        using IProducer<byte[], byte[]> producer = new ProducerBuilder<byte[], byte[]>(config).Build();
        while (sent < records && !cancellation.IsCancellationRequested)
        {
            mix.Next((topic, key, value, at) => Produce(producer, topic, key, value, at, e => failure ??= e));
            sent++;
            if (failure is not null)
                throw new InvalidOperationException($"A record could not be written: {failure}");
            if (rate > 0 && sent % 50 == 0)
            {
                double ahead = (sent / rate) - Stopwatch.GetElapsedTime(began).TotalSeconds;
                if (ahead > 0.001)
                    cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(ahead));
            }
        }

        producer.Flush(TimeSpan.FromMinutes(2));
        return failure is null ? sent : throw new InvalidOperationException($"A record could not be written: {failure}");
    }

    private static void Produce(IProducer<byte[], byte[]> producer, string topic, byte[] key, byte[] value, long at, Action<string> failed)
    {
        Message<byte[], byte[]> message = new() { Key = key, Value = value, Timestamp = new Timestamp(at, TimestampType.CreateTime) };
        while (true)
        {
            try
            {
                producer.Produce(topic, message, report =>
                {
                    if (report.Error.IsError)
                        failed(report.Error.Reason);
                });
                return;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(50));
            }
        }
    }
}
