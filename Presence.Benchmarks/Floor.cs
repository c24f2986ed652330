using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Presence.Benchmarks;

/// <summary>
/// <c>floor</c>: what no processor on this client can go below. The first floor is a bare consumer that parses each probe
/// where it lies. The second one (<c>--produce</c>) also produces a record of a changelog's size for each probe, in
/// transactions with the positions, one each 100 ms: what a processor costs that keeps each probe's state and does nothing.
/// Measured is this process, from 20 % to 90 % of the probes.
/// </summary>
internal static class Floor
{
    private const string Topic = "floor-changelog";

    // What the walk-in stage keeps of a run with a few sightings, and its key.
    private const int KeyBytes = 55;
    private const int ValueBytes = 86;

    private static readonly TimeSpan CommitInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(60);

    /// <summary>What a floor costs. Parsed: values met, or records where none is parsed.</summary>
    public sealed record Figures(double RecordsPerSecond, double CpuPerMillion, long Parsed)
    {
        public IReadOnlyList<string> Row(string name) => [name, Report.Number(RecordsPerSecond), Report.Number(CpuPerMillion)];
    }

    public static Command Verb()
    {
        Option<long> records = Common.Records();
        Option<int> partitions = Common.Partitions();
        Option<bool> produce = new("--produce") { Description = "The second floor too: a transactional record for each probe." };
        return Common.Verb("floor", "A bare consumer that parses each probe, and one that produces a record for each: CPU per million.", 900, [records, partitions, produce], async (parsed, cancellation) =>
        {
            long count = parsed.GetValue(records);
            await using Broker broker = await Broker.Start();
            await PresenceProcess.CreateTopics(broker.Bootstrap, parsed.GetValue(partitions));
            Loader.Load(broker.Bootstrap, new RecordMix(1, RecordMix.DefaultVenues, RecordMix.DefaultStart), count, cancellation);
            List<(string Name, Figures Figures)> floors = [("floor", await Consume(broker.Bootstrap, count, parsed.GetValue(partitions), cancellation))];
            if (parsed.GetValue(produce))
                floors.Add(("floor with --produce", await Transact(broker.Bootstrap, count, parsed.GetValue(partitions), cancellation)));
            Report.Table(["", "records/s", "CPU s per million"], floors.Select(f => f.Figures.Row(f.Name)));
            foreach ((string name, Figures f) in floors)
                Report.Json(name, new { records = count, records_per_s = Report.Round(f.RecordsPerSecond, 0), cpu_s_per_million = Report.Round(f.CpuPerMillion), parsed = f.Parsed });
            return 0;
        });
    }

    /// <summary>The first floor, over topics that hold so many probes.</summary>
    public static Task<Figures> Consume(string bootstrap, long records, int partitions, CancellationToken cancellation) =>
        Task.Run(() => Read(bootstrap, records, partitions, null, cancellation), cancellation);

    /// <summary>
    /// A bare consumer that reads all changelogs of an application from their starts to the ends they have now, side by
    /// side, one object for each record as this client has it. Records per second from the first one to the last one.
    /// </summary>
    public static Task<Figures> Changelogs(string bootstrap, string application, CancellationToken cancellation) =>
        Task.Run(() => ReadChangelogs(bootstrap, application, cancellation), cancellation);

    /// <summary>The second.</summary>
    public static async Task<Figures> Transact(string bootstrap, long records, int partitions, CancellationToken cancellation)
    {
        using (IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build())
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = partitions }]);

        // As Presence configures its own.
        ProducerConfig config = new()
        {
            BootstrapServers = bootstrap,
            TransactionalId = "floor",
            EnableIdempotence = true,
            Acks = Acks.All,
            LingerMs = 5,
            CompressionType = CompressionType.Lz4,
            BatchSize = 262_144,
            BatchNumMessages = 20_000,
            QueueBufferingMaxMessages = 500_000,
            QueueBufferingMaxKbytes = 131_072,
            DeliveryReportFields = "status",
        };
        return await Task.Run(
            () =>
            {
                using IProducer<byte[], byte[]> producer = new ProducerBuilder<byte[], byte[]>(config).Build();
                producer.InitTransactions(CallLimit);
                return Read(bootstrap, records, partitions, producer, cancellation);
            },
            cancellation);
    }

    private static Figures Read(string bootstrap, long records, int partitions, IProducer<byte[], byte[]>? producer, CancellationToken cancellation)
    {
        ConsumerConfig config = Reading(bootstrap);
        ProbeParser parser = new();
        using IConsumer<Ignore, long> consumer = new ConsumerBuilder<Ignore, long>(config).SetValueDeserializer(parser).Build();
        consumer.Assign(Enumerable.Range(0, partitions).Select(p => new TopicPartitionOffset("probes", p, Offset.Beginning)));
        Dictionary<TopicPartition, Offset> positions = [];
        TopicPartition[] changelog = [.. Enumerable.Range(0, partitions).Select(p => new TopicPartition(Topic, p))];
        byte[] state = new byte[ValueBytes];
        long read = 0, began = 0, transaction = 0, heard = Stopwatch.GetTimestamp();
        TimeSpan cpu = default;
        long from = records / 5, to = records * 9 / 10;
        while (read < to)
        {
            cancellation.ThrowIfCancellationRequested();
            if (producer is not null && positions.Count > 0 && Stopwatch.GetElapsedTime(transaction) > CommitInterval)
                Commit(producer, consumer, positions);

            ConsumeResult<Ignore, long>? probe = consumer.Consume(CommitInterval);
            if (probe is null)
            {
                if (Stopwatch.GetElapsedTime(heard) > IdleLimit)
                    throw new TimeoutException($"Only {read} of {records} probes came, and none within {IdleLimit.TotalSeconds:0} s.");
                continue;
            }

            if (producer is not null)
            {
                if (positions.Count == 0)
                {
                    producer.BeginTransaction();
                    transaction = Stopwatch.GetTimestamp();
                }

                // Bytes that no compression makes smaller than those of a real state: each one differs.
                byte[] key = new byte[KeyBytes], value = [.. state];
                BitConverter.TryWriteBytes(key, read * unchecked((long)0x9E3779B97F4A7C15UL));
                BitConverter.TryWriteBytes(key.AsSpan(8), probe.Message.Value * read);
                BitConverter.TryWriteBytes(value, probe.Message.Value);
                BitConverter.TryWriteBytes(value.AsSpan(8), read);
                Produce(producer, changelog[probe.Partition.Value], key, value);
                positions[probe.TopicPartition] = probe.Offset + 1;
            }

            if ((read & 4095) == 0)
                heard = Stopwatch.GetTimestamp();
            if (++read == from)
                (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        }

        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds, spent = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
        if (producer is not null && positions.Count > 0)
            Commit(producer, consumer, positions);
        consumer.Close();
        return new Figures((to - from) / seconds, spent / (to - from) * 1e6, parser.Parsed);
    }

    private static Figures ReadChangelogs(string bootstrap, string application, CancellationToken cancellation)
    {
        ConsumerConfig config = Reading(bootstrap);
        config.IsolationLevel = IsolationLevel.ReadCommitted;
        config.EnablePartitionEof = true;
        config.FetchWaitMaxMs = 20;
        config.ConsumeResultFields = "none";
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(config).Build();
        using IAdminClient admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        List<TopicPartitionOffset> all =
        [
            .. admin.GetMetadata(CallLimit).Topics
                .Where(t => t.Topic.StartsWith($"{application}-", StringComparison.Ordinal) && t.Topic.EndsWith("-changelog", StringComparison.Ordinal))
                .SelectMany(t => t.Partitions.Select(p => new TopicPartitionOffset(t.Topic, p.PartitionId, Offset.Beginning))),
        ];
        consumer.Assign(all);
        long read = 0, began = 0, last = 0, heard = Stopwatch.GetTimestamp();
        TimeSpan cpu = default;
        for (int ended = 0; ended < all.Count;)
        {
            cancellation.ThrowIfCancellationRequested();
            ConsumeResult<Ignore, Ignore>? record = consumer.Consume(CommitInterval);
            if (record is null)
            {
                if (Stopwatch.GetElapsedTime(heard) > IdleLimit)
                    throw new TimeoutException($"Only {ended} of {all.Count} changelogs were read to their ends, and nothing came within {IdleLimit.TotalSeconds:0} s.");
                continue;
            }

            if ((read & 4095) == 0)
                heard = Stopwatch.GetTimestamp();
            if (record.IsPartitionEOF)
            {
                ended++;
                continue;
            }

            last = Stopwatch.GetTimestamp();
            if (++read == 1)
                (began, cpu) = (last, Environment.CpuUsage.TotalTime);
        }

        double seconds = Stopwatch.GetElapsedTime(began, last).TotalSeconds, spent = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
        consumer.Close();
        return new Figures(read / seconds, spent / read * 1e6, read);
    }

    private static ConsumerConfig Reading(string bootstrap) => new()
    {
        BootstrapServers = bootstrap,
        GroupId = "floor",
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        FetchQueueBackoffMs = 5,
        QueuedMaxMessagesKbytes = 32 * 1024,
        MaxPartitionFetchBytes = 4 * 1024 * 1024,
        CheckCrcs = true,
        ConsumeResultFields = "topic",
    };

    private static void Commit(IProducer<byte[], byte[]> producer, IConsumer<Ignore, long> consumer, Dictionary<TopicPartition, Offset> positions)
    {
        producer.SendOffsetsToTransaction(positions.Select(p => new TopicPartitionOffset(p.Key, p.Value)), consumer.ConsumerGroupMetadata, CallLimit);
        producer.CommitTransaction(CallLimit);
        positions.Clear();
    }

    private static void Produce(IProducer<byte[], byte[]> producer, TopicPartition partition, byte[] key, byte[] value)
    {
        while (true)
        {
            try
            {
                producer.Produce(partition, new Message<byte[], byte[]> { Key = key, Value = value });
                return;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(5));
            }
        }
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
