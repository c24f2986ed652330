using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Presence.Core.Stages;
using Presence.Core.Stages.Counting;
using Presence.Core.State;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Stages;

/// <summary>Rearm is 180 minutes; counted ones are kept for 310.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class CountingStageTests
{
    private const long Rearm = 180 * Minute;
    private const long Keep = 310 * Minute;

    private static CountedFact At(string visit, double minutes) => new(visit, ContactHistory.At(minutes), ContactHistory.At(minutes - 5));

    private static StageDriver Run(StageDriver driver, params CountedFact[] walkIns)
    {
        foreach (CountedFact walkIn in walkIns)
            driver.Write("b", "ann", walkIn);
        driver.Run();
        return driver;
    }

    private static StageDriver After(params CountedFact[] walkIns) => Run(new StageDriver(Counting), walkIns);

    private static List<(long Count, string LastVisit, long LastAt)> Counts(StageDriver driver) =>
        [.. driver.Output(0).Select(c => ((long)c!["count"]!, (string)c["lastVisit"]!, (long)c["lastAt"]!))];

    private static StageDriver WithBase(long count, long asOf)
    {
        CountState state = new();
        state.Load(default);
        state.Count = count;
        state.BaseAsOf = asOf;
        StateWriter writer = new();
        state.Write(writer);
        StageDriver driver = new(Counting);
        driver.Store.Entries[[StoreKeys.StatePrefix, .. Encoding.UTF8.GetBytes("b|ann")]] = writer.Written.ToArray();
        return driver;
    }

    [Test]
    public void A_count_is_absolute_and_keyed_by_business_and_contact()
    {
        StageDriver driver = After(At("x", 0), At("y", 180));
        List<RecordingProducer.Sent> sent = [.. driver.Sent(Topics.WalkInCounts)];
        Assert.That(sent.Select(s => Text(s.Key)), Is.EqualTo(new[] { "b|ann", "b|ann" }));
        Assert.That(Text(sent[1].Value!), Is.EqualTo($$"""{"business":"b","contact":"ann","count":2,"lastVisit":"y","lastAt":{{ContactHistory.At(180)}}}"""));
    }

    [Test]
    public void A_phone_and_a_laptop_are_one_visit()
    {
        Assert.That(Counts(After(At("phone", 0), At("laptop", 1), At("laptop", 179.99))), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_walk_in_exactly_Rearm_away_counts_in_either_direction()
    {
        Assert.That(Counts(After(At("x", 0), At("y", 180), At("z", -180))).Select(c => c.Count), Is.EqualTo(new[] { 1, 2, 3 }));
    }

    [Test]
    public void A_walk_in_must_be_away_from_every_counted_one_not_only_the_last()
    {
        Assert.That(Counts(After(At("x", 0), At("y", 200), At("z", 100), At("w", -100))), Has.Count.EqualTo(2));
    }

    [Test]
    public void What_did_not_count_holds_nothing_up()
    {
        Assert.That(Counts(After(At("x", 0), At("y", 179), At("z", 180))).Select(c => c.LastVisit), Is.EqualTo(new[] { "x", "z" }));
    }

    [Test]
    public void The_last_visit_is_the_latest_counted_one_whatever_comes_after_it()
    {
        Assert.That(Counts(After(At("x", 300), At("earlier", 100)))[^1], Is.EqualTo((2L, "x", ContactHistory.At(300))));
    }

    [Test]
    public void Contacts_and_businesses_have_counts_of_their_own()
    {
        StageDriver driver = new(Counting);
        driver.Write("b", "ann", At("x", 0));
        driver.Write("b", "bob", At("x", 0));
        driver.Write("b2", "ann", At("x", 0));
        driver.Run();
        Assert.That(Counts(driver).Select(c => c.Count), Is.EqualTo(new[] { 1, 1, 1 }));
    }

    [Test]
    public void Counted_ones_are_kept_for_Rearm_and_LoginWait_and_LateGrace()
    {
        Assert.That(Counts(After(At("x", 0), At("y", 310), At("again", 0))), Has.Count.EqualTo(2));
        Assert.That(Counts(After(At("x", 0), At("y", 310.001), At("again", 0))), Has.Count.EqualTo(3));
        StageDriver driver = After([.. Enumerable.Range(0, 1000).Select(i => At($"x{i}", i * 180))]);
        Assert.That(Counts(driver)[^1].Count, Is.EqualTo(1000));
        Assert.That(driver.Store.Entries.Max(e => e.Value.Length), Is.LessThan(80));
    }

    [Test]
    public void A_base_count_starts_the_count_and_leaves_out_what_was_first_seen_by_then()
    {
        StageDriver driver = WithBase(41, ContactHistory.At(0));
        Run(driver, At("before", 4), At("exactly", 5), At("after", 5.001));
        Assert.That(Counts(driver), Is.EqualTo(new[] { (42L, "after", ContactHistory.At(5.001)) }));
    }

    [Test]
    public void A_record_whose_key_is_not_business_and_contact_goes_to_dead_letter()
    {
        StageDriver driver = new(Counting);
        foreach (string key in (string[])["b", "b|an", "b|anna", "ann|b", "bb|ann", "b|ann "])
            driver.Write(0, key, EnrichedWalkIn("b", "ann", At("x", 0)));
        driver.Run();
        Assert.That(driver.Sent("dead-letter"), Has.Count.EqualTo(6));
        Assert.That(Counts(driver), Is.Empty);
    }

    [Test]
    public void In_any_order_and_with_crashes_it_gives_exactly_the_definition() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        Random random = new(seed);
        long[] steps = [0, 1, Minute, Rearm - 1, Rearm, Rearm + 1, Keep - Rearm, Keep, Keep + 1];
        List<CountedFact> walkIns = [];
        long at = ContactHistory.At(10_000);
        for (int i = random.Next(1, 40); i > 0; i--)
        {
            at += steps[random.Next(steps.Length)] * (random.Next(4) == 0 ? -1 : 1);
            walkIns.Add(new CountedFact($"x{i}", at, at - random.Next(1_000_000)));
        }

        long asOf = random.Next(3) == 0 ? walkIns[random.Next(walkIns.Count)].FirstSeen : long.MinValue;
        StageDriver driver = WithBase(0, asOf);
        foreach (CountedFact walkIn in walkIns)
        {
            driver.Write("b", "ann", walkIn);
            if (random.Next(6) != 0)
                continue;
            driver.Process(random.Next(1, 10));
            switch (random.Next(3))
            {
                case 0:
                    driver.Abort();
                    break;
                case 1:
                    // The base is on disk alone here, so the disk is kept.
                    driver.Crash(loseDisk: false);
                    break;
                default:
                    driver.Commit();
                    break;
            }
        }

        driver.Run();
        List<CountedFact> defined = CountDefinition.Of(walkIns, Rearm, Keep, asOf);
        Assert.That(
            Counts(driver),
            Is.EqualTo(defined.Select((_, i) => defined.Take(i + 1).Reverse().MaxBy(c => c.At) is var last ? ((long)i + 1, last!.Visit, last.At) : default)));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
