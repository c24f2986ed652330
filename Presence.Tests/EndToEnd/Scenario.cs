using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages;
using Presence.Host.Embedded;
using Presence.Host.Kafka;
using Presence.Tests.Definition;
using Presence.Tests.Stages;

namespace Presence.Tests.EndToEnd;

/// <summary>
/// A stream of probes with visitors, passers-by and logins, made from a seed; topics of its own on a broker; and what
/// came out, read as an outsider does.
/// </summary>
internal sealed class Scenario
{
    private const long Start = 1_711_000_000_000;

    private Scenario(string bootstrap, string prefix, List<Sighting> probes, List<Sighting> logins)
    {
        Bootstrap = bootstrap;
        Prefix = prefix;
        Probes = probes;
        Logins = logins;
        Names = new TopicNames
        {
            Probes = $"{prefix}-probes",
            CrmContacts = $"{prefix}-crm-contacts",
            CrmContactsBackfill = $"{prefix}-crm-contacts-backfill",
            CrmLogins = $"{prefix}-crm-logins",
            CrmLoginsBackfill = $"{prefix}-crm-logins-backfill",
            DeviceLogins = $"{prefix}-device-logins",
            WalkIns = $"{prefix}-walk-ins",
            VisitsEnded = $"{prefix}-visits-ended",
            DeviceToContact = $"{prefix}-device-to-contact",
            EnrichedWalkIns = $"{prefix}-enriched-walk-ins",
            WalkInCounts = $"{prefix}-walk-in-counts",
            DeadLetter = $"{prefix}-dead-letter",
        };
    }

    private string? _embeddedState;

    public string Bootstrap { get; }

    /// <summary>The application id, and the prefix of its topics.</summary>
    public string Prefix { get; }

    public TopicNames Names { get; }

    public List<Sighting> Probes { get; }

    public List<Sighting> Logins { get; }

    public const int Partitions = 4;

    /// <summary>Made from a seed, with its topics created.</summary>
    public static async Task<Scenario> Create(string bootstrap, int records, int seed)
    {
        (List<Sighting> probes, List<Sighting> logins) = Generate(records, seed);
        Scenario scenario = new(bootstrap, $"e2e-{Guid.NewGuid():N}"[..12], probes, logins);
        using KafkaLog log = scenario.OpenLog();
        await log.Admin.CreateTopics(TopicCatalog.Public(scenario.Names, Partitions, null), CancellationToken.None);
        return scenario;
    }

    /// <summary>Made from a seed, on the embedded log of a state directory.</summary>
    public static Scenario CreateEmbedded(string stateDirectory, int records, int seed)
    {
        (List<Sighting> probes, List<Sighting> logins) = Generate(records, seed);
        return new Scenario("", "embedded", probes, logins) { _embeddedState = stateDirectory };
    }

    public KafkaLog OpenLog() => OpenLog([]);

    /// <summary>With settings of the client library.</summary>
    public KafkaLog OpenLog(Dictionary<string, string> client) =>
        new(new KafkaOptions { BootstrapServers = Bootstrap, Client = client }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<KafkaLog>.Instance);

    /// <summary>Arguments of `run` for this scenario; without a page, unless <paramref name="more"/> gives it an address.</summary>
    public string[] Arguments(string stateDirectory, params string[] more)
    {
        List<string> arguments =
        [
            "run",
            "--Kafka:BootstrapServers", Bootstrap,
            "--Presence:ApplicationId", Prefix,
            "--Presence:StateDirectory", stateDirectory,
            "--Presence:HttpUrl=",
            "--Presence:Workers", "2",
        ];
        foreach (var name in typeof(TopicNames).GetProperties())
            arguments.AddRange([$"--Presence:Topics:{name.Name}", (string)name.GetValue(Names)!]);
        arguments.AddRange(more);
        return [.. arguments];
    }

    /// <summary>Writes everything in the order of time, at most <paramref name="rate"/> probes per second (0: no limit).</summary>
    public async Task Load(int rate, Func<IEnumerable<Sighting>, IEnumerable<Sighting>>? order = null)
    {
        // A broker may be away for longer than a client waits by itself.
        using KafkaLog log = OpenLog(new() { ["message.timeout.ms"] = "300000" });
        using IRecordWriter writer = log.CreateWriter();
        HashSet<string> known = [];
        List<ProducedRecord> batch = [];
        List<Task> sent = [];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        int probes = 0;
        foreach (Sighting s in (order ?? (x => x))(Probes.Concat(Logins).OrderBy(s => s.At)))
        {
            if (s.IsLogin)
            {
                string contact = ContactOf(s.Device);
                if (known.Add(contact))
                    batch.Add(Record(Names.CrmContacts, contact, ContactLine(s), s.At));
                batch.Add(Record(Names.CrmLogins, contact, LoginLine(s), s.At));
            }
            else
            {
                batch.Add(Record(Names.Probes, s.Device, ProbeLine(s), s.At));
                probes++;
            }

            if (batch.Count < 1000)
                continue;
            sent.Add(writer.Append(batch, CancellationToken.None));
            batch = [];
            double ahead = rate == 0 ? 0 : ((double)probes / rate) - watch.Elapsed.TotalSeconds;
            if (ahead > 0)
                await Task.Delay(TimeSpan.FromSeconds(ahead), TimeProvider.System);
        }

        sent.Add(writer.Append(batch, CancellationToken.None));
        await Task.WhenAll(sent);
    }

    /// <summary>Sets a topic's configuration, as an operator does.</summary>
    public async Task Configure(string topic, string name, string value)
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Bootstrap }).Build();
        await admin.IncrementalAlterConfigsAsync(new()
        {
            [new ConfigResource { Type = ResourceType.Topic, Name = topic }] = [new ConfigEntry { Name = name, Value = value, IncrementalOperation = AlterConfigOpType.Set }],
        });
    }

    /// <summary>Waits until every group's offsets are at the ends of its inputs and stay there.</summary>
    public Task WaitUntilWorkedOff(PresenceProcess presence, TimeSpan limit) => WaitUntilWorkedOff([presence], limit);

    /// <summary>The same, by a fleet.</summary>
    public async Task WaitUntilWorkedOff(IReadOnlyList<PresenceProcess> fleet, TimeSpan limit)
    {
        using KafkaLog log = OpenLog();
        (string Service, string[] Topics)[] groups =
        [
            (ServiceNames.WalkIn, [Names.Probes, Names.DeviceLogins]),
            (ServiceNames.DeviceToContact, [Names.CrmContacts, Names.CrmLogins, Names.DeviceLogins]),
            (ServiceNames.EnrichedWalkIn, [Names.WalkIns, Names.DeviceToContact]),
            (ServiceNames.WalkInCount, [Names.EnrichedWalkIns]),
        ];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        int quiet = 0;
        string lagging = "";
        while (quiet < 5)
        {
            if (fleet.FirstOrDefault(p => p.HasExited) is { } exited)
                throw new InvalidOperationException($"Presence ended by itself:\n{string.Join('\n', exited.Log)}");
            if (watch.Elapsed > limit)
                throw new TimeoutException($"Not worked off within {limit}: {lagging}\n{string.Join("\n\n", fleet.Select(p => string.Join('\n', p.Log.TakeLast(60))))}");
            lagging = "";
            try
            {
                foreach ((string service, string[] topics) in groups)
                {
                    List<Core.Log.TopicPartition> partitions = [.. topics.SelectMany(t => Enumerable.Range(0, Partitions).Select(p => new Core.Log.TopicPartition(t, p)))];
                    var ends = await log.Admin.EndOffsets(partitions, Core.Log.IsolationLevel.ReadUncommitted, CancellationToken.None);
                    var committed = await log.Admin.CommittedOffsets($"{Prefix}-{service}", partitions, CancellationToken.None);
                    foreach (var partition in partitions.Where(p => committed.GetValueOrDefault(p, -1) < ends[p]))
                        lagging += $" {service} {partition} {committed.GetValueOrDefault(partition, -1)}/{ends[partition]}";
                }
            }
            catch (Core.Log.LogException e)
            {
                // Offsets are not to be had while a transaction holds them, or the broker is away.
                lagging = e.Message;
            }

            quiet = lagging.Length == 0 ? quiet + 1 : 0;
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
    }

    /// <summary>All committed records of a topic, per partition in order.</summary>
    public List<(string Key, string? Value)> Read(string topic) => _embeddedState is null ? ReadKafka(topic) : ReadEmbedded(topic);

    private List<(string Key, string? Value)> ReadKafka(string topic)
    {
        using IConsumer<string, string?> consumer = new ConsumerBuilder<string, string?>(new ConsumerConfig
        {
            BootstrapServers = Bootstrap,
            GroupId = $"{Prefix}-outsider",
            IsolationLevel = Confluent.Kafka.IsolationLevel.ReadCommitted,
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Error,
        }).SetValueDeserializer(Deserializers.Utf8!).Build();
        consumer.Assign(Enumerable.Range(0, Partitions).Select(p => new TopicPartitionOffset(topic, p, 0)));
        List<(string, string?)> all = [];
        for (int ends = 0; ends < Partitions;)
        {
            ConsumeResult<string, string?> result = consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException($"{topic} cannot be read to its end");
            if (result.IsPartitionEOF)
                ends++;
            else
                all.Add((result.Message.Key, result.Message.Value));
        }

        return all;
    }

    // By the test itself: the process that wrote it has ended.
    private List<(string Key, string? Value)> ReadEmbedded(string topic)
    {
        using Web.WrittenLog log = new(new EmbeddedLog(Path.Combine(_embeddedState!, "log"), TimeProvider.System, sync: false));
        return log.Read(topic).GetAwaiter().GetResult();
    }

    public static string ProbeLine(Sighting s) =>
        $$"""{"device":"{{s.Device}}","business":"{{s.Business}}","venue":"{{s.Venue}}","ap":"ap-1","rssi":{{s.Rssi}},"at":{{s.At}}}""";

    public static string ContactLine(Sighting login) =>
        $$"""{"contact":"{{ContactOf(login.Device)}}","email":"{{ContactOf(login.Device)}}@example.org","at":{{login.At}}}""";

    public static string LoginLine(Sighting s) =>
        $$"""{"contact":"{{ContactOf(s.Device)}}","device":"{{s.Device}}","business":"{{s.Business}}","venue":"{{s.Venue}}","at":{{s.At}}}""";

    public static string ContactOf(string device) => $"contact-{device}";

    private static ProducedRecord Record(string topic, string key, string value, long timestamp) =>
        new(topic, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), timestamp);

    // Event time moves about 12 h per million records, as in a town with a few hundred venues. Visitors stay, come back,
    // and one in three logs in; the others pass by.
    private static (List<Sighting> Probes, List<Sighting> Logins) Generate(int records, int seed)
    {
        Random random = new(seed);
        List<Sighting> probes = [], logins = [];
        PriorityQueue<(long At, int Device, int Venue, int Left, bool Visitor, int Rssi), long> queue = new();
        double next = Start;
        int device = 0;
        while (probes.Count < records)
        {
            while (queue.Count == 0 || queue.Peek().At >= next)
            {
                bool visitor = random.Next(25) == 0;
                int id = visitor && random.Next(3) > 0 ? random.Next(3000) : 10_000 + device++;
                int left = visitor ? 12 + random.Next(170) : 1 + random.Next(2);
                queue.Enqueue(((long)next, id, random.Next(100), left, visitor, visitor ? -45 - random.Next(15) : -60 - random.Next(35)), (long)next);
                next += -Math.Log(1 - random.NextDouble()) * 345.6;
            }

            var e = queue.Dequeue();
            string name = $"device-{e.Device:x8}";
            Sighting sighting = new($"business-{e.Venue / 4}", $"venue-{e.Venue}", name, e.At, e.Rssi - random.Next(8));
            probes.Add(sighting);
            if (e.Visitor && e.Device % 3 == 0 && e.Left % 50 == 11)
                logins.Add(sighting with { Rssi = 0, IsLogin = true });
            if (e.Left > 1)
            {
                long at = e.At + 2_000 + random.Next(56_000);
                queue.Enqueue((at, e.Device, e.Venue, e.Left - 1, e.Visitor, e.Rssi), at);
            }
        }

        return (probes, logins);
    }
}
