using FsCheck;
using FsCheck.Fluent;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Stages;

/// <summary>Both stages one after the other, held against the definition over sets.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class DeviceToContactPropertyTests
{
    private static void ForAllSeeds(int tests, Action<int> property) =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), property).Check(Config.QuickThrowOnFailure.WithMaxTest(tests));

    // Times differ: of equal ones the record that came last would count, which sets do not know.
    private static List<object> Random(Random random)
    {
        int[] minutes = [.. Enumerable.Range(0, 60)];
        random.Shuffle(minutes);
        return
        [
            .. minutes.Take(random.Next(1, 40)).Select(object (m) => random.Next(5) switch
            {
                0 => new ContactFact($"c{random.Next(4)}", At(m), null),
                1 or 2 => new ContactFact($"c{random.Next(4)}", At(m), $"{m}@example.org", random.Next(2) == 0 ? null : $"n{m}"),
                _ => new LoginFact($"c{random.Next(4)}", $"d{random.Next(3)}", $"b{random.Next(2)}", "v", At(m), random.Next(3) == 0),
            }),
        ];
    }

    private static List<DefinedMapping> Defined(List<object> facts) =>
        [.. DeviceToContactDefinition.Of([.. facts.OfType<ContactFact>()], [.. facts.OfType<LoginFact>()]).OrderBy(m => (m.Device, m.Business))];

    private static List<DefinedMapping> Maps(StageDriver driver) => [.. driver.Maps().OrderBy(m => (m.Device, m.Business))];

    // The device-logins of different contacts come in any order, those of one in theirs.
    private static StageDriver SecondStage(Random random, StageDriver first, bool faults)
    {
        StageDriver second = new(DeviceToContact);
        List<Queue<RecordingProducer.Sent>> byContact =
            [.. first.Sent(Topics.DeviceLogins).GroupBy(s => (string)System.Text.Json.Nodes.JsonNode.Parse(s.Value!)!["contact"]!).Select(c => new Queue<RecordingProducer.Sent>(c))];
        while (byContact.Count > 0)
        {
            Queue<RecordingProducer.Sent> contact = byContact[random.Next(byContact.Count)];
            RecordingProducer.Sent sent = contact.Dequeue();
            if (contact.Count == 0)
                byContact.Remove(contact);
            for (int times = random.Next(4) == 0 ? 2 : 1; times > 0; times--)
                second.Write(0, Text(sent.Key), Text(sent.Value!), sent.Timestamp);
            if (faults)
                Trouble(random, second);
        }

        second.Run();
        return second;
    }

    private static void Trouble(Random random, StageDriver driver)
    {
        if (random.Next(4) != 0)
            return;
        driver.Process(random.Next(1, 10));
        switch (random.Next(4))
        {
            case 0:
                driver.Abort();
                break;
            case 1:
                driver.Crash(loseDisk: false);
                break;
            case 2:
                driver.Crash(loseDisk: true);
                break;
            default:
                driver.Commit();
                break;
        }
    }

    [Test]
    public void In_any_order_by_any_topic_and_twice_the_map_is_that_of_the_definition() => ForAllSeeds(1500, seed =>
    {
        Random random = new(seed);
        List<object> facts = Random(random);
        StageDriver first = new(Logins);
        foreach (object fact in facts)
        {
            for (int times = random.Next(4) == 0 ? 2 : 1; times > 0; times--)
            {
                if (fact is ContactFact c)
                    first.Write(c, backfill: c.Email is not null && random.Next(2) == 0);
                else
                    first.Write((LoginFact)fact);
            }

            if (random.Next(2) == 0)
                first.Run();
        }

        first.Run();
        Assert.That(Maps(SecondStage(random, first, faults: false)), Is.EqualTo(Defined(facts)));
    });

    [Test]
    public void Crashes_and_aborts_at_any_moment_change_nothing() => ForAllSeeds(700, seed =>
    {
        Random random = new(seed);
        List<object> facts = Random(random);
        StageDriver first = new(Logins);
        foreach (object fact in facts)
        {
            if (fact is ContactFact c)
                first.Write(c);
            else
                first.Write((LoginFact)fact);
            Trouble(random, first);
        }

        first.Run();
        Assert.That(Maps(SecondStage(random, first, faults: true)), Is.EqualTo(Defined(facts)));
    });

    [Test]
    public void When_all_contacts_are_deleted_the_second_stage_keeps_nothing() => ForAllSeeds(300, seed =>
    {
        Random random = new(seed);
        List<object> facts = [.. Random(random), .. Enumerable.Range(0, 4).Select(c => new ContactFact($"c{c}", At(100), null))];
        StageDriver second = SecondStage(random, new StageDriver(Logins).After([.. facts]), faults: false);
        Assert.That(Maps(second), Is.Empty);
        Assert.That(second.StateCount, Is.Zero);
    });
}
