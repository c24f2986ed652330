using System.Diagnostics;
using System.Text.Json;
using Confluent.Kafka;

namespace Presence.Benchmarks;

/// <summary>What no processor on this client can go below: a bare consumer that parses each probe where it lies.</summary>
internal static class Floor
{
    public static async Task<int> Run(long records, CancellationToken cancellation)
    {
        await using Broker broker = await Broker.Start();
        await PresenceProcess.CreateTopics(broker.Bootstrap, 4);
        Loader.Load(broker.Bootstrap, new RecordMix(1, 200, RecordMix.DefaultStart), records, rate: 0, cancellation);
        ConsumerConfig config = new()
        {
            BootstrapServers = broker.Bootstrap,
            GroupId = "floor",
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            FetchQueueBackoffMs = 5,
            QueuedMaxMessagesKbytes = 32 * 1024,
            MaxPartitionFetchBytes = 4 * 1024 * 1024,
            CheckCrcs = true,
            ConsumeResultFields = "topic",
        };
        ProbeParser parser = new();
        using IConsumer<Ignore, long> consumer = new ConsumerBuilder<Ignore, long>(config).SetValueDeserializer(parser).Build();
        consumer.Assign(Enumerable.Range(0, 4).Select(p => new TopicPartitionOffset("probes", p, Offset.Beginning)));
        long read = 0, began = 0, limit = Stopwatch.GetTimestamp();
        TimeSpan cpu = default;
        long from = records / 5, to = records * 9 / 10;
        while (read < to && !cancellation.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromSeconds(1)) is null)
            {
                if (Stopwatch.GetElapsedTime(limit) > TimeSpan.FromMinutes(5))
                    throw new TimeoutException($"Only {read} of {records} probes came within 5 min.");
                continue;
            }

            if (++read == from)
                (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        }

        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds, spent = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
        Console.WriteLine($"floor {JsonSerializer.Serialize(new { records, records_per_s = Math.Round((to - from) / seconds), cpu_s_per_million = Math.Round(spent / (to - from) * 1e6, 2), parsed = parser.Parsed })}");
        consumer.Close();
        return 0;
    }

    private sealed class ProbeParser : IDeserializer<long>
    {
        /// <summary>Values met: the work must not be optimised away.</summary>
        public long Parsed { get; private set; }

        public long Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
        {
            Utf8JsonReader reader = new(data);
            long at = 0;
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.Number)
                    at = reader.GetInt64();
                else if (reader.TokenType == JsonTokenType.String)
                    Parsed++;
            }

            return at;
        }
    }
}
