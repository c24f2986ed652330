using System.Text;
using Presence.Core.Log;
using Presence.Host.Kafka;
using Presence.Tests.Kafka;

namespace Presence.Tests.EndToEnd;

/// <summary>The whole pipeline as its own process on a real broker. Not in parallel: each wants the machine.</summary>
[Category("Chaos")]
[NonParallelizable]
internal sealed class PipelineTests
{
    private string _state = "";

    [SetUp]
    public void MakeStateDirectory() => _state = Directory.CreateTempSubdirectory("presence-state-").FullName;

    [TearDown]
    public void DeleteStateDirectory() => Directory.Delete(_state, recursive: true);

    [Test]
    public async Task Three_hundred_thousand_probes_give_exactly_the_definition()
    {
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 300_000, seed: 1);
        await scenario.Load(rate: 0);
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state));
        await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(3));
        Assert.That(presence.Stop(), Is.Zero, string.Join('\n', presence.Log));
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task Killed_again_and_again_under_load_it_loses_nothing_and_doubles_nothing()
    {
        const int kills = 16;
        Random random = new(7);
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 200_000, seed: 2);
        Task load = scenario.Load(rate: 4_000);
        List<string> log = [];
        for (int i = 0; i < kills; i++)
        {
            using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state, "--Presence:InstanceId", i % 2 == 0 ? "" : "one"));
            await Task.Delay(TimeSpan.FromMilliseconds(1_000 + random.Next(2_500)), TimeProvider.System);
            Assert.That(presence.HasExited, Is.False, string.Join('\n', presence.Log));
            presence.Kill();
            log.AddRange(presence.Log);
        }

        using PresenceProcess last = PresenceProcess.Start(scenario.Arguments(_state));
        await load;
        await scenario.WaitUntilWorkedOff(last, TimeSpan.FromMinutes(3));
        Assert.That(last.Stop(), Is.Zero);
        log.AddRange(last.Log);
        Assert.That(log.Where(l => l.Contains("is refused and rebuilt", StringComparison.Ordinal)), Is.Empty, "state goes on from disk");
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task Any_order_within_the_grace_and_twice_gives_the_same_walk_ins()
    {
        Random random = new(3);
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 60_000, seed: 3);
        await scenario.Load(rate: 0, all => all.SelectMany(s => Enumerable.Repeat(s, random.Next(1, 3))).OrderBy(s => s.At + random.NextInt64(240_000)));
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state));
        await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(3));
        Assert.That(presence.Stop(), Is.Zero);
        Verdict.AssertExact(scenario, ordered: false);
    }

    [Test]
    public async Task A_broker_that_is_killed_and_comes_back_costs_nothing_but_time()
    {
        // With one broker its absence leaves partitions without a leader, and Kafka 4.3.1 then loses commit markers.
        using TestKafka.PrivateBroker broker = TestKafka.StartPrivate(brokers: 3);
        Scenario scenario = await Scenario.Create(broker.Bootstrap, records: 150_000, seed: 4);
        await scenario.Load(rate: 0);
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state));
        Assert.That(await presence.WaitForLog("Task walk-in-3 runs", TimeSpan.FromSeconds(30)), Is.True, string.Join('\n', presence.Log));
        for (int node = 1; node <= 3; node++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(2_500), TimeProvider.System);
            broker.Kill(node);
            await Task.Delay(TimeSpan.FromMilliseconds(1_000), TimeProvider.System);
            broker.Up(node);
        }

        await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(2));
        Assert.That(presence.Stop(), Is.Zero, string.Join('\n', presence.Log));
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task Transactions_that_are_aborted_and_producers_that_are_fenced_cost_nothing_but_time()
    {
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 120_000, seed: 8);
        // The broker looks every ten seconds for transactions that are open for longer than two, and aborts them.
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(
            _state, "--Kafka:Client:transaction.timeout.ms", "2000", "--Kafka:Client:message.timeout.ms", "2000"));
        Task load = scenario.Load(rate: 4_000);
        Assert.That(await presence.WaitForIncarnations(1, TimeSpan.FromSeconds(30)), Is.True);
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);
        presence.Signal("STOP");
        await Task.Delay(TimeSpan.FromSeconds(13), TimeProvider.System);
        presence.Signal("CONT");

        using KafkaLog outsider = scenario.OpenLog();
        for (int i = 0; i < 4; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
            int incarnations = presence.Incarnations().Count;
            using (ITransactionalProducer thief = outsider.CreateProducer($"{scenario.Prefix}-{presence.Incarnations()[^1]}-{i % 2}"))
                Assert.That(thief.Init(TimeSpan.FromSeconds(20)).IsOk, Is.True);
            Assert.That(await presence.WaitForIncarnations(incarnations + 1, TimeSpan.FromSeconds(20)), Is.True, string.Join('\n', presence.Log));
        }

        await load;
        await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(2));
        Assert.That(presence.Stop(), Is.Zero, string.Join('\n', presence.Log));
        Assert.That(presence.Log.Where(l => l.Contains("is refused and rebuilt", StringComparison.Ordinal)), Is.Empty, "state goes on from disk");
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task A_record_whose_output_the_broker_refuses_is_set_aside_and_nothing_else_is_lost()
    {
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 60_000, seed: 11);
        await scenario.Configure(scenario.Names.DeviceToContact, "max.message.bytes", "1900");
        // Its login makes a walk-in nowhere: what else comes out is as it is without it.
        string[] excluded = ["--Presence:Venues:0:Business", "b", "--Presence:Venues:0:Venue", "v", "--Presence:Venues:0:ExcludedDevices:0", "culprit"];
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state, excluded));
        Task load = scenario.Load(rate: 4_000);
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);

        // As long as texts may be, of what hardly can be compressed.
        byte[] random = new byte[740];
        new Random(1).NextBytes(random);
        string text = Convert.ToBase64String(random);
        long at = scenario.Probes[0].At;
        using (KafkaLog log = scenario.OpenLog())
        using (IRecordWriter writer = log.CreateWriter())
        {
            byte[] key = "c"u8.ToArray();
            await writer.Append([new ProducedRecord(scenario.Names.CrmContacts, key, Encoding.UTF8.GetBytes($$"""{"contact":"c","email":"{{text}}","name":"{{new string([.. text.Reverse()])}}","at":{{at}}}"""), at)], CancellationToken.None);
            await writer.Append([new ProducedRecord(scenario.Names.CrmLogins, key, Encoding.UTF8.GetBytes($$"""{"contact":"c","device":"culprit","business":"b","venue":"v","at":{{at}}}"""), at)], CancellationToken.None);
        }

        await load;
        await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(2));
        Assert.That(presence.Stop(), Is.Zero, string.Join('\n', presence.Log));
        (string Key, string? Value) setAside = scenario.Read(scenario.Names.DeadLetter).Single();
        Assert.That(setAside, Is.EqualTo(scenario.Read(scenario.Names.DeviceLogins).Single(l => l.Key == "culprit")));
        Assert.That(presence.Log.Where(l => l.Contains("device-logins", StringComparison.Ordinal) && l.Contains("Broker: Message size too large", StringComparison.Ordinal)), Is.Not.Empty, "what was refused, and why");
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task A_transaction_that_does_not_end_is_named_and_holds_back_nothing_else()
    {
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 60_000, seed: 10);
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state));
        using (KafkaLog outsider = scenario.OpenLog(new() { ["transaction.timeout.ms"] = "600000" }))
        using (ITransactionalProducer producer = outsider.CreateProducer($"{scenario.Prefix}-outsider"))
        {
            Assert.That(producer.Init(TimeSpan.FromSeconds(20)).IsOk, Is.True);
            Assert.That(producer.Begin().IsOk, Is.True);
            Assert.That(producer.Produce(new Core.Log.TopicPartition(scenario.Names.WalkIns, 0), "k"u8, true, "{}"u8, true, 0).IsOk, Is.True);
            await scenario.Load(rate: 0);
            Assert.That(await presence.WaitForLog($"of {scenario.Names.WalkIns}[0] can be read", TimeSpan.FromSeconds(90)), Is.True, string.Join('\n', presence.Log));
            Assert.That(scenario.Read(scenario.Names.WalkInCounts), Is.Not.Empty, "other partitions go on");
            Assert.That(producer.Abort(TimeSpan.FromSeconds(20)).IsOk, Is.True);
        }

        await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(1));
        Assert.That(presence.Stop(), Is.Zero);
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task An_older_instance_in_a_newer_fleet_refuses_and_says_so()
    {
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 100, seed: 12);
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(_state));
        Assert.That(await presence.WaitForLog("Task walk-in-3 runs", TimeSpan.FromSeconds(30)), Is.True, string.Join('\n', presence.Log));
        using (KafkaLog newer = scenario.OpenLog())
        using (IRecordWriter writer = newer.CreateWriter())
            await writer.Append([new ProducedRecord($"{scenario.Prefix}-control", "plan"u8.ToArray(), [99], 0)], CancellationToken.None);
        Assert.That(presence.WaitForExit(TimeSpan.FromSeconds(30)), Is.EqualTo(3));
        Assert.That(string.Join('\n', presence.Log), Does.Contain("a newer version of Presence wrote"));
    }

    [Test]
    public async Task State_is_found_and_used_by_a_container_of_another_host_name()
    {
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 60_000, seed: 9);
        await scenario.Load(rate: 0);
        using (PresenceProcess before = PresenceProcess.StartOnHost("presence-7d9f-abcde", scenario.Arguments(_state)))
        {
            await scenario.WaitUntilWorkedOff(before, TimeSpan.FromMinutes(1));
            Assert.That(before.Stop(), Is.Zero);
        }

        using PresenceProcess after = PresenceProcess.StartOnHost("presence-7d9f-fghij", scenario.Arguments(_state));
        Assert.That(await after.WaitForLog("\"Task walk-in-3 is restored", TimeSpan.FromSeconds(30)), Is.True, string.Join('\n', after.Log));
        await scenario.WaitUntilWorkedOff(after, TimeSpan.FromMinutes(1));
        Assert.That(after.Stop(), Is.Zero);
        Assert.That(after.Log.Where(l => l.Contains("is restored: ", StringComparison.Ordinal)), Is.Not.Empty.And.All.Contains("is restored: 0 changelog records"));
        Verdict.AssertExact(scenario);
    }

    [Test]
    public async Task A_disk_that_is_full_costs_nothing_but_time()
    {
        using SmallDisk disk = SmallDisk.Mount(megabytes: 256);
        Scenario scenario = await Scenario.Create(await TestKafka.Bootstrap(), records: 100_000, seed: 5);
        using PresenceProcess presence = PresenceProcess.Start(scenario.Arguments(disk.Path));
        Task load = scenario.Load(rate: 4_000);
        Assert.That(await presence.WaitForLog("Task walk-in-3 runs", TimeSpan.FromSeconds(30)), Is.True, string.Join('\n', presence.Log));
        await Task.Delay(TimeSpan.FromSeconds(4), TimeProvider.System);
        int incarnations = presence.Incarnations().Count;
        disk.Fill();
        Assert.That(await presence.WaitForLog("its store failed", TimeSpan.FromSeconds(20)), Is.True, string.Join('\n', presence.Log));
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
        disk.Free();
        await load;
        await scenario.WaitUntilWorkedOff(presence, TimeSpan.FromMinutes(3));
        Assert.That(presence.Stop(), Is.Zero);
        Assert.That(presence.Log.Where(l => l.Contains("is refused and rebuilt", StringComparison.Ordinal)), Is.Empty, "state goes on from disk");
        Assert.That(presence.Incarnations(), Has.Count.EqualTo(incarnations), "tasks are taken over anew, one by one");
        Verdict.AssertExact(scenario);
    }
}
