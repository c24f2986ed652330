using Presence.Core.State;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Stages;

/// <summary>LoginWait is 120 minutes, LateGrace 10.</summary>
[Parallelizable(ParallelScope.All)]
internal sealed class EnrichmentStageTests
{
    private static StageDriver After(params object[] facts) => new StageDriver(Enrichment).After(facts);

    // No time passes meanwhile.
    private static void WorkOff(StageDriver driver, params object[] facts)
    {
        foreach (object fact in facts)
            driver.WriteFact(fact);
        driver.Run();
    }

    // Both inputs move, so the clock does.
    private static object[] Clock(double minutes) => [Visit($"clock-{minutes}", minutes, device: "clock"), Map("clock", ("clock", "nobody", minutes))];

    private static List<(string, string)> OfDevice(StageDriver driver) => [.. driver.Enriched().Where(e => !e.Visit.StartsWith("clock", StringComparison.Ordinal))];

    private static List<byte[]> StateOf(StageDriver driver, string device) =>
        [.. driver.Store.Entries.Where(e => e.Key[0] == StoreKeys.StatePrefix && Text(e.Key[1..]) == device).Select(e => e.Value)];

    [Test]
    public void A_walk_in_gets_the_known_contact_at_once_with_everything_that_the_contract_names()
    {
        StageDriver driver = After(Map("d", ("b", "ann", 0)), Visit("x", 10));
        RecordingProducer.Sent sent = driver.Sent(Topics.EnrichedWalkIns).Single();
        Assert.That(Text(sent.Key), Is.EqualTo("b|ann"));
        Assert.That(sent.Timestamp, Is.EqualTo(At(10)));
        Assert.That(
            Text(sent.Value!),
            Is.EqualTo($$"""{"visit":"x","business":"b","venue":"v","contact":"ann","email":"ann@example.org","device":"d","at":{{At(10)}},"firstSeen":{{At(5)}}}"""));
    }

    [Test]
    public void A_walk_in_waits_for_the_first_login_and_is_enriched_once()
    {
        StageDriver driver = After(Visit("x", 10));
        Assert.That(driver.Enriched(), Is.Empty);
        driver.After(Map("d", ("b", "ann", 60)), Map("d", ("b", "bob", 61)));
        Assert.That(driver.Enriched(), Is.EqualTo(new[] { ("x", "ann") }));
    }

    [Test]
    public void A_login_as_late_as_LoginWait_counts_and_one_later_does_not()
    {
        Assert.That(After(Visit("x", 10), Map("d", ("b", "ann", 130))).Enriched(), Has.Count.EqualTo(1));
        Assert.That(After(Visit("x", 10), Map("d", ("b", "ann", 130.001))).Enriched(), Is.Empty);
    }

    [Test]
    public void Of_several_known_logins_the_latest_that_is_not_too_late_counts()
    {
        StageDriver driver = After(Map("d", ("b", "ann", 0)), Map("d", ("b", "bob", 20)), Map("d", ("b", "cid", 140)), Visit("x", 15));
        Assert.That(driver.Enriched(), Is.EqualTo(new[] { ("x", "bob") }));
    }

    [Test]
    public void Logins_of_another_device_or_business_match_nothing()
    {
        Assert.That(After(Map("d2", ("b", "ann", 0)), Map("d", ("b2", "bob", 0)), Visit("x", 10)).Enriched(), Is.Empty);
    }

    [Test]
    public void A_login_that_arrives_while_the_clock_has_not_passed_LoginWait_and_LateGrace_counts()
    {
        Assert.That(OfDevice(After([Visit("x", 10), .. Clock(140), Map("d", ("b", "ann", 100))])), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_login_that_arrives_when_the_clock_has_passed_LoginWait_and_LateGrace_does_not()
    {
        StageDriver driver = After([Visit("x", 10), .. Clock(140.001), Map("d", ("b", "ann", 100))]);
        Assert.That(OfDevice(driver), Is.Empty);
    }

    [Test]
    public void The_clock_is_that_of_the_slower_input()
    {
        Assert.That(OfDevice(After(Visit("x", 10), Map("d2", ("b", "bob", 20)), Visit("y", 500, device: "clock"), Map("d", ("b", "ann", 100)))), Is.EqualTo(new[] { ("x", "ann") }));
        Assert.That(OfDevice(After(Visit("x", 10), Map("d2", ("b", "bob", 500)), Map("d", ("b", "ann", 100)))), Is.EqualTo(new[] { ("x", "ann") }));
    }

    [Test]
    public void While_a_backlog_is_worked_off_a_walk_in_waits_a_minute_of_wall_clock_time_at_least()
    {
        StageDriver driver = new(Enrichment);
        WorkOff(driver, [Visit("x", 10), .. Clock(500)]);
        driver.WallClock += Minute - 1;
        driver.Write(Map("d", ("b", "ann", 100)));
        driver.Run();
        Assert.That(OfDevice(driver), Is.EqualTo(new[] { ("x", "ann") }));
    }

    // What is looked at is written. Each day at least: then it goes, once it has waited for long enough.
    [Test]
    public void A_walk_in_that_has_to_wait_while_a_backlog_is_worked_off_is_looked_at_ever_more_rarely()
    {
        StageDriver driver = new(Enrichment);
        WorkOff(driver, Visit("x", 10));
        const int days = 20;
        for (int minutes = 0; minutes < days * 24 * 60; minutes += 30)
            WorkOff(driver, Clock(minutes));
        Assert.That(driver.Sent(driver.Task.Changelog.Topic).Count(s => Text(s.Key).EndsWith('d')), Is.InRange(days, days + 10));
        Assert.That(StateOf(driver, "d"), Has.Count.EqualTo(1));

        driver.WallClock += Minute;
        driver.After(Clock((days + 1) * 24 * 60));
        Assert.That(StateOf(driver, "d"), Is.Empty);
    }

    [Test]
    public void A_visit_is_enriched_once_however_often_its_walk_in_comes()
    {
        VisitFact x = Visit("x", 10);
        Assert.That(After(x, x, Map("d", ("b", "ann", 5)), x, Map("d", ("b", "bob", 30)), x).Enriched(), Is.EqualTo(new[] { ("x", "ann") }));
    }

    [Test]
    public void A_visit_that_is_out_is_remembered_until_the_clock_has_passed_LoginWait_and_LateGrace()
    {
        VisitFact x = Visit("x", 10);
        Assert.That(OfDevice(After([Map("d", ("b", "ann", 5)), x, .. Clock(139), .. Clock(140), x])), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_replaced_login_is_kept_until_the_clock_has_passed_LoginWait_and_LateGrace_since()
    {
        object[] replaced = [Map("d", ("b", "ann", 0)), Map("d", ("b", "bob", 200))];
        Assert.That(OfDevice(After([.. replaced, .. Clock(330), Visit("x", 70)])), Is.EqualTo(new[] { ("x", "ann") }));
        Assert.That(OfDevice(After([.. replaced, .. Clock(330.001), Visit("x", 70)])), Is.Empty);
    }

    [Test]
    public void A_walk_in_that_comes_long_after_its_time_is_enriched_once_too()
    {
        object[] late = [Map("d", ("b", "ann", 5)), .. Clock(1000), Visit("x", 10), Visit("x", 10)];
        Assert.That(OfDevice(After(late)), Is.EqualTo(new[] { ("x", "ann") }));
    }

    [Test]
    public void Two_visits_that_wait_are_both_enriched_by_one_login()
    {
        Assert.That(After(Visit("x", 10), Visit("y", 20), Visit("z", 30, business: "b2"), Map("d", ("b", "ann", 40))).Enriched(), Is.EqualTo(new[] { ("x", "ann"), ("y", "ann") }));
    }

    [Test]
    public void Logins_of_a_deleted_contact_match_nothing()
    {
        Assert.That(After(Map("d", ("b", "ann", 0)), Map("d"), Visit("x", 10)).Enriched(), Is.Empty);
        Assert.That(After(Map("d", ("b", "ann", 0), ("b2", "bob", 0)), Map("d", ("b2", "bob", 0)), Visit("x", 10), Visit("y", 10, "b2")).Enriched(), Is.EqualTo(new[] { ("y", "bob") }));
        Assert.That(After(Map("d", ("b", "ann", 0)), Map("d", ("b", "ann", 20)), Map("d"), Visit("x", 10)).Enriched(), Is.Empty);
    }

    [Test]
    public void When_the_latest_contact_is_deleted_the_one_before_it_matches_again()
    {
        StageDriver driver = After(Map("d", ("b", "ann", 0)), Map("d", ("b", "bob", 5)), Map("d", ("b", "ann", 0)), Visit("x", 10));
        Assert.That(driver.Enriched(), Is.EqualTo(new[] { ("x", "ann") }));
        driver.After([.. Clock(1000), Visit("y", 1000)]);
        Assert.That(OfDevice(driver), Is.EqualTo(new[] { ("x", "ann"), ("y", "ann") }));
    }

    [Test]
    public void A_contact_that_comes_back_matches_again()
    {
        Assert.That(After(Map("d", ("b", "ann", 0)), Map("d"), Visit("x", 10), Map("d", ("b", "ann", 0))).Enriched(), Is.EqualTo(new[] { ("x", "ann") }));
    }

    [Test]
    public void The_email_is_that_of_the_contact_now_even_for_an_earlier_login()
    {
        StageDriver driver = After(Map("d", ("b", "ann", 0)), Map("d", ("b", "ann", 200)));
        driver.Write(1, "d", Json(("device", "d"), ("businesses", new { b = new { contact = "ann", email = "new@example.org", name = "Ann", at = At(200) } })));
        driver.Run();
        driver.After(Visit("x", 10));
        Assert.That(((string)driver.Output(0)[0]!["email"]!, (string)driver.Output(0)[0]!["name"]!), Is.EqualTo(("new@example.org", "Ann")));
    }

    [Test]
    public void Nothing_but_the_mapping_in_force_is_kept_when_all_has_passed()
    {
        StageDriver driver = After([Visit("x", 10), Map("d", ("b", "ann", 20)), Map("d", ("b", "bob", 30)), Visit("y", 40, "b2"), .. Clock(60)]);
        int before = StateOf(driver, "d").Single().Length;
        driver.After([.. Clock(300), .. Clock(301)]);
        int after = StateOf(driver, "d").Single().Length;
        Assert.That(after, Is.LessThan(before / 2));
        Assert.That(Text(StateOf(driver, "d").Single()), Does.Contain("bob").And.Not.Contain("ann"));
        driver.After(Map("d"));
        Assert.That(StateOf(driver, "d"), Is.Empty);
    }

    [Test]
    public void A_device_without_logins_leaves_no_state_when_its_walk_in_has_waited()
    {
        StageDriver driver = After([Visit("x", 10), .. Clock(100)]);
        Assert.That(StateOf(driver, "d"), Has.Count.EqualTo(1));
        driver.After([.. Clock(140.001), .. Clock(160)]);
        Assert.That(StateOf(driver, "d"), Is.Empty);
    }

    [Test]
    public void While_nothing_comes_the_wait_ends_at_the_pace_of_the_wall_clock()
    {
        StageDriver driver = After([Visit("x", 10), .. Clock(10)]);
        long wall = driver.WallClock;
        driver.ConfirmIdle(wall + 1_000);
        driver.Run();
        driver.ConfirmIdle(wall + (129 * Minute));
        driver.Run();
        Assert.That(StateOf(driver, "d"), Has.Count.EqualTo(1));
        driver.ConfirmIdle(wall + (131 * Minute));
        driver.Run();
        Assert.That(StateOf(driver, "d"), Is.Empty);
    }

    [Test]
    public void Where_nobody_ever_logs_in_the_wait_ends_all_the_same()
    {
        StageDriver driver = After([Visit("x", 10)]);
        long wall = driver.WallClock;
        for (int minute = 1; minute <= 132; minute++)
        {
            driver.ConfirmIdle(wall + (minute * Minute));
            driver.Run();
            Assert.That(StateOf(driver, "d"), Has.Count.EqualTo(minute < 131 ? 1 : 0), $"minute {minute}");
        }
    }

    [Test]
    public void Waiting_walk_ins_of_one_device_are_bounded_and_the_first_goes()
    {
        StageDriver driver = new(Enrichment);
        for (int i = 0; i <= Presence.Core.Stages.Enrichment.EnrichmentState.WaitingMax; i++)
            driver.Write(Visit($"x{i}", 10 + (i / 1000.0)));
        driver.Run();
        driver.After(Map("d", ("b", "ann", 20)));
        Assert.That(driver.Enriched(), Has.Count.EqualTo(Presence.Core.Stages.Enrichment.EnrichmentState.WaitingMax));
        Assert.That(driver.Enriched().Select(e => e.Visit), Does.Not.Contain("x0").And.Contain("x1"));
    }

    [Test]
    public void Replaced_mappings_are_bounded_and_the_latest_stay()
    {
        StageDriver driver = new(Enrichment);
        for (int i = 0; i < 300; i++)
            driver.Write(Map("d", ("b", $"c{i}", i / 100.0)));
        driver.Run();
        driver.Write(Map("d", ("b", "late", 500)));
        driver.Run();
        driver.After(Visit("x", 10));
        Assert.That(driver.Enriched(), Is.EqualTo(new[] { ("x", "c299") }));
        Assert.That(StateOf(driver, "d").Single(), Has.Length.LessThan(201 * 50));
    }
}
