using System.Diagnostics;
using Confluent.Kafka.Admin;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Host.Embedded;
using Presence.Host.Kafka;
using Presence.Tests.Kafka;

namespace Presence.Tests.Conformance;

/// <summary>Which log a conformance test runs against.</summary>
public enum LogKind
{
    /// <summary>The simulated cluster, in virtual time, without faults.</summary>
    Simulated,

    /// <summary>The embedded log.</summary>
    Embedded,

    /// <summary>Apache Kafka, one broker.</summary>
    Kafka,

    /// <summary>The same broker, records going the client's own way.</summary>
    KafkaPlain,

    /// <summary>Apache Kafka, three brokers, three copies of each partition.</summary>
    KafkaThreeBrokers,
}

/// <summary>A log behind the seams, and how time passes in it.</summary>
internal sealed class LogUnderTest : IDisposable
{
    private static TestKafka.PrivateBroker? _three;

    private readonly SimulatedWorld? _world;
    private readonly string? _directory;
    private readonly string? _bootstrap;

    private LogUnderTest(LogKind kind, ILog log, SimulatedWorld? world = null, string? directory = null, string? bootstrap = null)
    {
        Kind = kind;
        Log = log;
        _world = world;
        _directory = directory;
        _bootstrap = bootstrap;
    }

    public LogKind Kind { get; }

    public ILog Log { get; }

    public static async Task<LogUnderTest> Open(LogKind kind)
    {
        switch (kind)
        {
            case LogKind.Simulated:
                SimulatedWorld world = new(1);
                return new LogUnderTest(kind, new SimulatedLog(new SimulatedCluster(world, new SimulatedClusterOptions { TransactionTimeout = TimeSpan.FromMinutes(1) })), world);
            case LogKind.Embedded:
                string directory = Directory.CreateTempSubdirectory("presence-conformance-").FullName;
                return new LogUnderTest(kind, new EmbeddedLog(directory, TimeProvider.System), directory: directory);
            default:
                string bootstrap = kind is LogKind.Kafka or LogKind.KafkaPlain ? await TestKafka.Bootstrap() : (_three ??= TestKafka.StartPrivate(brokers: 3)).Bootstrap;
                return new LogUnderTest(
                    kind,
                    new KafkaLog(new KafkaClients(new KafkaOptions { BootstrapServers = bootstrap }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, isPlain: kind == LogKind.KafkaPlain)),
                    bootstrap: bootstrap);
        }
    }

    public static void StopThree()
    {
        _three?.Dispose();
        _three = null;
    }

    /// <summary>A topic of its own; returns its name.</summary>
    public string CreateTopic(int partitions = 1, params (string Name, string Value)[] configuration)
    {
        string name = $"conformance-{Guid.NewGuid():N}";
        CreateTopic(name, partitions, configuration);
        return name;
    }

    public void CreateTopic(string name, int partitions, params (string Name, string Value)[] configuration)
    {
        Await(Log.Admin.CreateTopics([new Core.Log.TopicSpecification(name, partitions, Kind == LogKind.KafkaThreeBrokers ? 3 : null, configuration.ToDictionary(c => c.Name, c => c.Value))], CancellationToken.None));
        Until(() => Await(Log.Admin.DescribeTopics([name], CancellationToken.None)).ContainsKey(name), $"the topic {name} is there");
    }

    public void DeleteTopic(string name)
    {
        switch (Log)
        {
            case SimulatedLog simulated:
                simulated.Cluster.DeleteTopic(name);
                break;
            case EmbeddedLog embedded:
                embedded.DeleteTopic(name);
                break;
            default:
                using (Confluent.Kafka.IAdminClient admin = new Confluent.Kafka.AdminClientBuilder(new Confluent.Kafka.AdminClientConfig { BootstrapServers = _bootstrap }).Build())
                    admin.DeleteTopicsAsync([name], new DeleteTopicsOptions { RequestTimeout = TimeSpan.FromSeconds(30) }).GetAwaiter().GetResult();
                break;
        }

        Until(() => !Await(Log.Admin.DescribeTopics([name], CancellationToken.None)).ContainsKey(name), $"the topic {name} is gone");
    }

    /// <summary>Lets a log that does not compact by itself do so.</summary>
    public void Compact(TopicPartition partition)
    {
        if (Log is SimulatedLog simulated)
            simulated.Cluster.Find(partition)!.Compact(long.MaxValue, now: 0, tombstoneRetention: -1);
        else if (Log is EmbeddedLog embedded)
            embedded.Maintain();
    }

    /// <summary>Everything in a partition goes, as by retention.</summary>
    public void Truncate(TopicPartition partition)
    {
        switch (Log)
        {
            case SimulatedLog simulated:
                simulated.Cluster.Find(partition)!.Truncate(long.MaxValue);
                break;
            case EmbeddedLog embedded:
                embedded.Maintain();
                break;
            default:
                using (Confluent.Kafka.IAdminClient admin = new Confluent.Kafka.AdminClientBuilder(new Confluent.Kafka.AdminClientConfig { BootstrapServers = _bootstrap }).Build())
                    admin.DeleteRecordsAsync([new Confluent.Kafka.TopicPartitionOffset(partition.Topic, partition.Partition, Confluent.Kafka.Offset.End)]).GetAwaiter().GetResult();
                break;
        }
    }

    /// <summary>Repeats a call until it has a verdict.</summary>
    public LogResult Answer(Func<LogResult> call)
    {
        LogResult result = default;
        Until(() => (result = call()).Status is not (LogStatus.TimedOut or LogStatus.QueueFull), "an answer");
        return result;
    }

    public void Ok(Func<LogResult> call) => Assert.That(Answer(call), Is.EqualTo(LogResult.Ok));

    public T Await<T>(Task<T> task)
    {
        Until(() => task.IsCompleted, "an answer");
        return task.GetAwaiter().GetResult();
    }

    public void Await(Task task)
    {
        Until(() => task.IsCompleted, "an answer");
        task.GetAwaiter().GetResult();
    }

    /// <summary>Lets time pass until something holds.</summary>
    public void Until(Func<bool> holds, string what)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!holds())
        {
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(40)), $"waited too long for: {what}");
            Pass(TimeSpan.FromMilliseconds(5));
        }
    }

    /// <summary>Lets some time pass.</summary>
    public void Pass(TimeSpan span)
    {
        if (_world is null)
        {
            Thread.Sleep(span);
            return;
        }

        long until = _world.Now + (long)span.TotalMicroseconds;
        while (_world.RunNext(until))
            ;
    }

    public void Dispose()
    {
        Log.Dispose();
        if (_directory is not null)
            Directory.Delete(_directory, recursive: true);
    }
}
