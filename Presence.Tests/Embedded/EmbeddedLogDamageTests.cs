using Presence.Core.Log;
using Presence.Host.Embedded;

namespace Presence.Tests.Embedded;

/// <summary>What of the embedded log cannot be read is not taken for its end.</summary>
internal sealed class EmbeddedLogDamageTests
{
    private const int Records = 20_000;

    private static readonly TopicPartition Damaged = new("damaged", 0);
    private static readonly TopicPartition Whole = new("whole", 0);

    private string _directory = "";

    [SetUp]
    public async Task Fill()
    {
        _directory = Directory.CreateTempSubdirectory("presence-embedded-").FullName;
        using (EmbeddedLog log = new(_directory, TimeProvider.System, sync: false))
        {
            foreach (string topic in (string[])[Damaged.Topic, Whole.Topic])
                await log.Admin.CreateTopics([new TopicSpecification(topic, 1, null, new Dictionary<string, string> { ["cleanup.policy"] = "compact" })], CancellationToken.None);
            using IRecordWriter writer = log.CreateWriter();
            Random random = new(1);
            foreach (string topic in (string[])[Damaged.Topic, Whole.Topic])
            {
                await writer.Append(
                    [.. Enumerable.Range(0, Records).Select(i =>
                    {
                        byte[] value = new byte[100];
                        random.NextBytes(value);
                        return new ProducedRecord(topic, BitConverter.GetBytes(i % 10), value, 0);
                    })],
                    CancellationToken.None);
            }
        }

        // What is in its log only becomes a file.
        using EmbeddedLog again = new(_directory, TimeProvider.System, sync: false);
    }

    [TearDown]
    public void Delete() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Records_behind_a_damaged_block_are_waited_for()
    {
        DamageRecords();
        using EmbeddedLog log = new(_directory, TimeProvider.System, sync: false);
        using ILogConsumer consumer = log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Seen seen = new();
        consumer.Add(Damaged, 0, 0);
        consumer.Add(Whole, 1, 0);
        for (int i = 0; i < 100 && (seen.Faults == 0 || !seen.Ended.Contains(1)); i++)
            consumer.Poll(seen, 1_000, TimeSpan.Zero);
        Assert.That(seen.Ended, Is.EqualTo([1]), "what is whole is read to its end");
        Assert.That(seen.Fault, Is.EqualTo(LogFault.Unreachable));
        Assert.That(seen.Detail, Does.Contain(_directory).And.Contain("checksum"));
        int faults = seen.Faults;
        for (int i = 0; i < 100; i++)
            consumer.Poll(seen, 1_000, TimeSpan.Zero);
        Assert.That(seen.Faults, Is.EqualTo(faults), "it is tried again after a pause");
        Assert.That(SpinWait.SpinUntil(() => consumer.Poll(seen, 1_000, TimeSpan.Zero) == 0 && seen.Faults > faults, TimeSpan.FromSeconds(10)), Is.True);
    }

    [Test]
    public void Topics_that_cannot_be_read_are_not_made_anew()
    {
        DamageTopics();
        Assert.That(() => new EmbeddedLog(_directory, TimeProvider.System, sync: false), Throws.TypeOf<IOException>().With.Message.Contain(_directory).And.Message.Contain("cannot be read"));
    }

    [Test]
    public void What_cannot_be_compacted_is_said_and_keeps_no_other_from_it()
    {
        DamageRecords();
        using EmbeddedLog log = new(_directory, TimeProvider.System, sync: false);
        Assert.That(log.Maintain, Throws.TypeOf<LogException>().With.Message.Contain(_directory).And.Message.Contain("checksum"));
        Assert.That(log.Maintain, Throws.TypeOf<LogException>(), "it is due again");
        using ILogConsumer consumer = log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        Seen seen = new();
        consumer.Add(Whole, 1, 0);
        while (!seen.Ended.Contains(1))
            consumer.Poll(seen, 1_000, TimeSpan.Zero);
        Assert.That(seen.Records, Is.EqualTo(10));
    }

    [Test]
    public async Task It_is_closed_after_whoever_reads_it()
    {
        EmbeddedLog log = new(_directory, TimeProvider.System, sync: false);
        using ILogConsumer consumer = log.CreateConsumer("reader", IsolationLevel.ReadCommitted);
        consumer.Add(Whole, 1, 0);
        using ManualResetEventSlim reads = new(), goOn = new();
        Seen seen = new()
        {
            OnEach = () =>
            {
                reads.Set();
                goOn.Wait();
            },
        };
        Task reading = Task.Run(() => consumer.Poll(seen, Records, TimeSpan.Zero));
        reads.Wait();
        Task closing = Task.Run(log.Dispose);
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System);
        Assert.That(closing.IsCompleted, Is.False);
        goOn.Set();
        await closing;
        await reading;
        Assert.That(seen.Records, Is.EqualTo(Records));
        Assert.That(() => log.Admin.CreateTopics([new TopicSpecification("new", 1, null, new Dictionary<string, string>())], CancellationToken.None), Throws.TypeOf<LogException>());
        Assert.That(() => log.Admin.CommittedOffsets("group", [Whole], CancellationToken.None), Throws.TypeOf<LogException>());
        consumer.Add(Whole, 1, 0);
        consumer.Poll(seen, 1, TimeSpan.Zero);
        Assert.That(seen.Fault, Is.EqualTo(LogFault.UnknownPartition));
    }

    // The largest file has the records, in the order of topics.
    private void DamageRecords() => Flip(file => file.Length / 4);

    private void DamageTopics() => Flip(file => file.AsSpan().IndexOf("Tdamaged"u8));

    private void Flip(Func<byte[], int> where)
    {
        string path = Directory.GetFiles(_directory, "*.sst").MaxBy(f => new FileInfo(f).Length)!;
        byte[] file = File.ReadAllBytes(path);
        file[where(file)] ^= 0xFF;
        File.WriteAllBytes(path, file);
    }

    private sealed class Seen : ILogReceiver
    {
        public int Records { get; private set; }

        public HashSet<int> Ended { get; } = [];

        public int Faults { get; private set; }

        public LogFault? Fault { get; private set; }

        public string Detail { get; private set; } = "";

        public Action? OnEach { get; init; }

        public void OnRecord(int slot, in LogRecord record)
        {
            Records++;
            OnEach?.Invoke();
        }

        public void OnEnd(int slot, long position, long highWatermark) => Ended.Add(slot);

        public void OnFault(int slot, LogFault fault, long offset, string detail)
        {
            (Fault, Detail) = (fault, detail);
            Faults++;
        }
    }
}
