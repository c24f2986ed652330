using System.Text.Json.Nodes;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Core.Stages;
using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.WalkInHistory;

namespace Presence.Tests.Stages;

[Parallelizable(ParallelScope.All)]
internal sealed class WalkInStageTests
{
    private static StageDriver Deliver(IEnumerable<Sighting> sightings, WalkInOptions? options = null, params VenueOptions[] venues)
    {
        StageDriver driver = Driver(options, venues);
        foreach (Sighting s in sightings)
            driver.Write(s);
        driver.Run();
        return driver;
    }

    // A transaction for each: in the order given, whatever the times.
    private static StageDriver DeliverOneByOne(IEnumerable<Sighting> sightings)
    {
        StageDriver driver = Driver();
        foreach (Sighting s in sightings)
        {
            driver.Write(s);
            driver.Run();
        }

        return driver;
    }

    [Test]
    public void A_device_that_stays_for_MinDwell_after_a_strong_sighting_walks_in_once()
    {
        StageDriver driver = Deliver([At(0), At(2), At(5), At(7)]);
        Assert.That(driver.WalkIns(), Is.EqualTo(new[] { ("d", At(5).At, At(0).At) }));
    }

    [Test]
    public void A_passer_by_leaves_no_walk_in_and_no_state()
    {
        StageDriver driver = Deliver([At(0), At(4.99), Clock(31)]);
        Assert.That(driver.WalkIns(), Is.Empty);
        Assert.That(driver.StateCount, Is.Zero);
    }

    [Test]
    public void Dwell_is_measured_from_the_first_strong_sighting()
    {
        StageDriver driver = Deliver([At(0, -70), At(3, -65), At(5, -70), At(7.99, -70), At(8, -70)]);
        Assert.That(driver.WalkIns(), Is.EqualTo(new[] { ("d", At(8).At, At(0).At) }));
    }

    [Test]
    public void A_device_that_is_never_strong_does_not_walk_in()
    {
        Assert.That(Deliver([At(0, -66), At(5, -66), At(10, -66)]).WalkIns(), Is.Empty);
    }

    [Test]
    public void Sightings_below_ExitRssi_do_not_belong()
    {
        StageDriver driver = Deliver([At(0), At(6, -76), At(12, -76)]);
        Assert.That(driver.WalkIns(), Is.Empty);
    }

    [Test]
    public void A_gap_longer_than_SessionGap_begins_a_new_run()
    {
        StageDriver driver = Deliver([At(0), At(15), At(31), At(36)]);
        Assert.That(driver.WalkIns().Select(w => w.FirstSeen), Is.EqualTo(new[] { At(0).At }));
        driver = Deliver([At(0), At(4), At(19.1), At(24.1)]);
        Assert.That(driver.WalkIns().Select(w => w.FirstSeen), Is.EqualTo(new[] { At(19.1).At }));
    }

    [Test]
    public void MinSightings_count_only_those_more_than_a_second_apart()
    {
        WalkInOptions three = new() { MinSightings = 3 };
        long at = At(5).At;
        Sighting[] burst = [At(0), At(5), At(5) with { At = at + 1000 }];
        Assert.That(Deliver(burst, three).WalkIns(), Is.Empty);
        Assert.That(Deliver([.. burst, At(5) with { At = at + 1001 }], three).WalkIns().Select(w => w.At), Is.EqualTo(new[] { at + 1001 }));
    }

    [Test]
    public void A_visit_that_begins_within_Rearm_of_the_last_one_is_a_return_and_emits_nothing()
    {
        // The return moves the time from which Rearm counts.
        StageDriver driver = Deliver([At(0), At(5), At(180), At(184.99), At(190), At(365), At(369.9), At(375), Clock(800)]);
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(1));
        Assert.That(driver.Ended(), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_visit_after_Rearm_is_a_walk_in_again()
    {
        StageDriver driver = Deliver([At(0), At(5), At(185), At(190), Clock(300)]);
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(2));
        Assert.That(driver.Ended(), Has.Count.EqualTo(2));
        Assert.That(driver.Ended().Select(e => (string)e["visit"]!).Distinct().Count(), Is.EqualTo(2));
    }

    [Test]
    public void A_visit_ends_when_the_clock_has_passed_lastSeen_and_gap_and_grace()
    {
        StageDriver driver = Deliver([At(0), At(6), Clock(31)]);
        Assert.That(driver.Ended(), Is.Empty);
        driver.Write(Clock(31.0001));
        driver.Run();
        JsonNode ended = driver.Ended().Single();
        Assert.Multiple(() =>
        {
            Assert.That((long)ended["firstSeen"]!, Is.EqualTo(At(0).At));
            Assert.That((long)ended["lastSeen"]!, Is.EqualTo(At(6).At));
            Assert.That((long)ended["dwellSeconds"]!, Is.EqualTo(360));
            Assert.That((string)ended["visit"]!, Is.EqualTo((string)driver.Output(0)[0]!["visit"]!));
        });
    }

    [Test]
    public void A_visit_that_lasts_MaxVisit_ends_and_what_goes_on_emits_nothing()
    {
        List<Sighting> stay = [.. Enumerable.Range(0, 80).Select(i => At(i * 10))];
        StageDriver driver = Deliver([.. stay, Clock(1000)]);
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(1));
        Assert.That(driver.Ended().Single()["lastSeen"]!.GetValue<long>(), Is.EqualTo(At(600).At));

        // Its end at 790 min counts for the return: 3 h later less a minute is one.
        driver.Write(At(790 + 179));
        driver.Write(At(790 + 179 + 5));
        driver.Run();
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_visit_that_is_present_only_after_MaxVisit_ends_at_once()
    {
        List<Sighting> weak = [.. Enumerable.Range(0, 70).Select(i => At(i * 10, -70))];
        StageDriver driver = Deliver([.. weak, At(700), At(710)]);
        Assert.That(driver.WalkIns().Single().At, Is.EqualTo(At(710).At));
        Assert.That(driver.Ended().Single()["lastSeen"]!.GetValue<long>(), Is.EqualTo(At(710).At));
    }

    [Test]
    public void A_sighting_older_than_the_grace_is_dropped_and_one_within_it_is_not()
    {
        Assert.That(Deliver([At(0), Clock(20), At(9.99)]).WalkIns(), Is.Empty);
        Assert.That(Deliver([At(0), Clock(20), At(10)]).WalkIns(), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_sighting_in_between_joins_two_runs()
    {
        // 0 and 16 are two runs until 8 arrives: then it is one that has lasted 16 min.
        StageDriver driver = Deliver([At(0), At(16), At(8)]);
        Assert.That(driver.WalkIns().Single().FirstSeen, Is.EqualTo(At(0).At));
    }

    [Test]
    public void A_sighting_that_comes_late_and_makes_the_dwell_long_enough_makes_it_present()
    {
        StageDriver driver = Deliver([At(3), At(7), At(1)]);
        (string _, long at, long firstSeen) = driver.WalkIns().Single();
        Assert.That((at, firstSeen), Is.EqualTo((At(7).At, At(1).At)));
    }

    [Test]
    public void What_is_out_stays_out_and_keeps_its_id()
    {
        StageDriver driver = Deliver([At(5), At(10), At(1), Clock(60)]);
        Assert.That(driver.WalkIns().Single().FirstSeen, Is.EqualTo(At(5).At));
        Assert.That((string)driver.Ended().Single()["visit"]!, Is.EqualTo((string)driver.Output(0)[0]!["visit"]!));
    }

    [Test]
    public void A_login_is_a_sighting_that_makes_the_run_present_at_once()
    {
        StageDriver driver = Deliver([At(0, -70), At(1, login: true)]);
        JsonNode walkIn = driver.Output(0).Single()!;
        Assert.That((long)walkIn["at"]!, Is.EqualTo(At(1).At));
        Assert.That((long)walkIn["firstSeen"]!, Is.EqualTo(At(0).At));
        Assert.That((int)walkIn["rssi"]!, Is.Zero);
    }

    [Test]
    public void A_login_from_a_backfill_or_of_a_deleted_contact_is_no_sighting()
    {
        StageDriver driver = Driver();
        driver.Write(0, "d", Probe(At(0)));
        driver.Write(1, "d", Login(At(1, login: true), backfill: true));
        driver.Write(1, "d", Login(At(2, login: true), deleted: true));
        driver.Run();
        Assert.That(driver.WalkIns(), Is.Empty);
    }

    [Test]
    public void A_login_never_moves_stream_time()
    {
        StageDriver driver = Driver();
        driver.Write(At(0));
        driver.Run();
        driver.Write(At(300, device: "other", login: true));
        driver.Run();
        driver.Write(At(6));
        driver.Run();
        Assert.That(driver.WalkIns().Select(w => w.Device), Is.EquivalentTo(new[] { "other", "d" }));
    }

    [Test]
    public void A_time_more_than_two_minutes_ahead_of_the_wall_clock_is_clamped()
    {
        StageDriver driver = Driver();
        driver.WallClock = At(5).At;
        driver.Write(At(0));
        driver.Write(At(500));
        driver.Run();
        Assert.That(driver.WalkIns().Single().At, Is.EqualTo(At(7).At));
    }

    [Test]
    public void An_idle_task_ends_visits_at_the_wall_clocks_pace_and_they_stay_ended()
    {
        StageDriver driver = Deliver([At(0), At(6)]);
        long wall = driver.WallClock;
        driver.ConfirmIdle(wall + 1_000);
        driver.Run();
        driver.ConfirmIdle(wall + (25 * 60_000));
        driver.Run();
        Assert.That(driver.Ended(), Is.Empty);
        driver.ConfirmIdle(wall + 1_000 + (25 * 60_000));
        driver.Run();
        Assert.That(driver.Ended(), Has.Count.EqualTo(1));

        // Not late (judged by probes alone) and within the gap: the same device still standing there.
        driver.Write(At(14));
        driver.Write(At(28));
        driver.Write(Clock(200));
        driver.Run();
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(1));
        Assert.That(driver.Ended(), Has.Count.EqualTo(1));
    }

    [Test]
    public void An_abort_takes_no_idle_time_away()
    {
        StageDriver driver = Deliver([At(0), At(6)]);
        long wall = driver.WallClock;
        driver.ConfirmIdle(wall + 1_000);
        driver.Run();
        driver.ConfirmIdle(wall + (20 * 60_000));
        driver.Process();
        driver.Abort();
        // The first step looks for timers again.
        driver.Process();
        driver.ConfirmIdle(wall + 1_000 + (25 * 60_000));
        driver.Run();
        Assert.That(driver.Ended(), Has.Count.EqualTo(1));
    }

    [Test]
    public void The_clock_of_an_idle_task_with_timers_is_committed_once_a_minute()
    {
        StageDriver driver = Deliver([At(0), At(6)]);
        long wall = driver.WallClock;
        driver.ConfirmIdle(wall + 1_000);
        driver.Run();
        driver.ConfirmIdle(wall + 59_000);
        driver.Process();
        Assert.That(driver.Task.IsDirty, Is.False);
        driver.ConfirmIdle(wall + 62_000);
        driver.Process();
        Assert.That(driver.Task.IsDirty, Is.True);
        driver.Commit();
        Assert.That(driver.Task.IsDirty, Is.False);
    }

    [Test]
    public void A_state_that_has_grown_large_is_whole_when_its_timer_fires()
    {
        // Many sightings within one second each: the times that may still count are kept.
        WalkInOptions many = new() { MinSightings = 100 };
        List<Sighting> burst = [.. Enumerable.Range(0, 90).Select(i => At(0) with { At = Start + (i * 1001) })];
        StageDriver driver = Deliver([At(0, device: "small"), .. burst, Clock(60)], many);
        Assert.That(driver.StateCount, Is.Zero);
    }

    [Test]
    public void Excluded_devices_of_a_venue_emit_nothing_there_and_walk_in_elsewhere()
    {
        VenueOptions venue = new() { Business = "b", Venue = "v", ExcludedDevices = { "d" } };
        StageDriver driver = Deliver([At(0), At(0.1) with { Venue = "w" }, At(6), At(6.1) with { Venue = "w" }, Clock(60)], null, venue);
        Assert.That(driver.Output(0).Select(w => (string)w!["venue"]!), Is.EqualTo(new[] { "w" }));
        Assert.That(driver.Ended(), Has.Count.EqualTo(1));
    }

    [Test]
    public void A_venues_own_parameters_hold_there_alone()
    {
        VenueOptions venue = new() { Business = "b", Venue = "v", MinDwell = TimeSpan.FromMinutes(1) };
        StageDriver driver = Deliver([At(0), At(0) with { Venue = "w" }, At(1), At(1) with { Venue = "w" }], null, venue);
        Assert.That(driver.Output(0).Select(w => (string)w!["venue"]!), Is.EqualTo(new[] { "v" }));
    }

    [Test]
    public void Randomised_addresses_can_be_left_out()
    {
        Sighting[] stay = [At(0, randomized: true), At(6, randomized: true)];
        Assert.That(Deliver(stay, new WalkInOptions { RandomizedMacs = RandomizedMacs.Exclude }).WalkIns(), Is.Empty);
        JsonNode walkIn = Deliver(stay).Output(0).Single()!;
        Assert.That((bool)walkIn["randomized"]!, Is.True);
    }

    [Test]
    public void Staff_who_were_there_for_more_than_four_hours_on_four_of_fourteen_days_walk_in_no_more()
    {
        StageDriver driver = Deliver(Days(6, hours: 4.5));
        Assert.That(driver.WalkIns().Select(w => Math.Floor(Minutes(w.At) / 1440)), Is.EqualTo(new double[] { 0, 1, 2, 3 }));
        Assert.That(Deliver(Days(6, hours: 4)).WalkIns(), Has.Count.EqualTo(6));
    }

    [Test]
    public void Equipment_that_was_there_for_more_than_ten_hours_on_two_days_walks_in_no_more()
    {
        StageDriver driver = Deliver(Days(4, hours: 10.5));
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(2));
        Assert.That(driver.Ended(), Has.Count.EqualTo(2));
    }

    [Test]
    public void Days_that_are_more_than_fourteen_days_ago_do_not_make_staff()
    {
        List<Sighting> all = Days(4, hours: 4.5);
        all.AddRange(Days(1, hours: 1, from: 18));
        Assert.That(Deliver(all).WalkIns(), Has.Count.EqualTo(5));
    }

    [Test]
    public void The_days_of_the_staff_rule_are_those_of_the_venues_time_zone()
    {
        // 10 h around midnight UTC: two days of 5 h in UTC, one of 10 h in New York.
        List<Sighting> nights = [];
        long midnight = 1_711_065_600_000;
        for (int night = 0; night < 3; night++)
        {
            for (int i = 0; i <= 60; i++)
                nights.Add(At(0) with { At = midnight + (night * 86_400_000L) - (5 * 3_600_000) + (i * 600_000) });
        }

        Assert.That(Deliver(nights).WalkIns(), Has.Count.EqualTo(3));
        nights.AddRange(nights.Where(s => s.At > midnight + 86_400_000).Select(s => s with { At = s.At + (2 * 86_400_000L) }).ToList());
        VenueOptions newYork = new() { Business = "b", Venue = "v", TimeZone = "America/New_York" };
        int utc = Deliver(nights.OrderBy(s => s.At)).WalkIns().Count;
        int local = Deliver(nights.OrderBy(s => s.At), null, newYork).WalkIns().Count;
        Assert.That(local, Is.GreaterThan(utc));
    }

    [Test]
    public void All_state_of_a_device_goes_when_nothing_of_it_can_matter_any_more()
    {
        StageDriver driver = Deliver([.. Days(5, hours: 5), Clock(1440 * 40), Clock(1440 * 40.1)]);
        Assert.That(driver.StateCount, Is.Zero);
    }

    [Test]
    public void A_record_that_breaks_the_contract_goes_to_dead_letter_and_changes_nothing()
    {
        StageDriver driver = Driver();
        driver.Write(0, "d", "{\"device\":\"d\"");
        driver.Write(0, "other", Probe(At(0)));
        driver.Write(0, "d", null);
        driver.Write(0, "d", Probe(At(0)).Replace("-50", "1", StringComparison.Ordinal));
        driver.Run();
        var dead = driver.Sent("dead-letter");
        string Reason(int i) => System.Text.Encoding.UTF8.GetString(dead[i].Headers.Single(h => h.Name == "presence.reason").Value);
        Assert.That(Enumerable.Range(0, dead.Count).Select(Reason), Is.EqualTo(new[] { "not_json", "key_mismatch: device", "no_value", "number_out_of_range: rssi" }));
        Assert.That(driver.StateCount, Is.Zero);
        Assert.That(dead[0].Value, Is.EqualTo("{\"device\":\"d\""u8.ToArray()));
    }

    [Test]
    public void With_policy_Stop_the_task_stops_before_a_bad_record()
    {
        StageDriver driver = new(WalkInStageDefinition.Create(new TopicNames(), new WalkInOptions(), []), BadInputPolicy.Stop);
        driver.Write(At(0));
        driver.Write(0, "d", "[]");
        Assert.That(driver.Process().Outcome, Is.EqualTo(FeedOutcome.Stopped));
        Assert.That(driver.Task.StopReason, Does.Contain("offset 1").And.Contain("not_json"));
        Assert.That(driver.Task.Inputs[0].NextOffset, Is.EqualTo(1));
    }

    [Test]
    public void What_the_present_visit_was_there_before_today_counts_for_staff_and_equipment()
    {
        // 11 h on the first day; then weak from the next day's second hour on, and present only after midnight.
        long midnight = 1_711_065_600_000;
        Sighting Hour(double hour, int rssi) => At(0, rssi) with { At = midnight + (long)(hour * 3_600_000) };
        List<Sighting> all = [.. Enumerable.Range(0, 45).Select(i => Hour(i * 0.25, -50))];
        all.AddRange(Enumerable.Range(0, 94).Select(i => Hour(25 + (i * 0.25), -70)));
        all.AddRange([Hour(48.3, -50), Hour(48.45, -50)]);
        StageDriver driver = Deliver(all);
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(1));
    }

    // Midnight does not exist in Beirut and comes an hour later in Cairo; in Havana the first hour comes twice.
    [TestCase("Asia/Beirut", "2024-03-30T12:00Z", "2024-03-30T22:00Z")]
    [TestCase("Africa/Cairo", "2024-10-31T12:00Z", "2024-10-31T22:00Z")]
    [TestCase("Africa/Cairo", "2024-10-31T21:30Z", "2024-10-31T22:00Z")]
    [TestCase("America/Havana", "2024-11-02T12:00Z", "2024-11-03T04:00Z")]
    [TestCase("America/Havana", "2024-11-03T05:30Z", "2024-11-04T05:00Z")]
    [TestCase("Europe/Prague", "2024-03-31T00:30Z", "2024-03-31T22:00Z")]
    [TestCase("Europe/Prague", "2024-10-26T23:30Z", "2024-10-27T23:00Z")]
    [TestCase("UTC", "2024-03-30T00:00Z", "2024-03-31T00:00Z")]
    public void Days_are_cut_at_the_midnight_of_the_zone_also_when_clocks_change(string name, string from, string expected)
    {
        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(name);
        long at = DateTimeOffset.Parse(from, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        long midnight = LocalDays.MidnightAfter(at, LocalDays.Of(at, zone), zone);
        Assert.That(DateTimeOffset.FromUnixTimeMilliseconds(midnight), Is.EqualTo(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Test]
    public void An_unknown_time_zone_is_refused_with_its_venue()
    {
        VenueOptions venue = new() { Business = "b", Venue = "v", TimeZone = "Europe/Prag" };
        Assert.That(() => Driver(null, venue), Throws.ArgumentException.With.Message.Contains("Europe/Prag").And.Message.Contains("b|v"));
    }

    [Test]
    public void Logins_far_ahead_of_the_probes_are_visits_each_and_their_state_is_bounded()
    {
        // One more than are kept, each before all others; then many, each after all others.
        Assert.That(Deliver(Enumerable.Range(0, VisitState.RunsMax + 1).Reverse().Select(i => At(i * 200, login: true))).WalkIns(), Has.Count.EqualTo(VisitState.RunsMax + 1));
        StageDriver driver = Deliver(Enumerable.Range(0, 20).Select(i => At(i * 200, login: true)));
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(20));
        Assert.That(driver.Store.Entries.Values.Select(v => v.Length), Is.All.LessThan(1000));
        driver.Write(Clock(5000));
        driver.Run();
        Assert.That(driver.Ended().Select(e => (long)e["firstSeen"]!).Order(), Is.EqualTo(driver.WalkIns().Select(w => w.FirstSeen).Order()));
    }

    [Test]
    public void A_login_read_long_before_the_probes_of_its_visit_is_that_visits_one_walk_in()
    {
        // The partition of probes was away for so long that those of the visit's beginning make a run of their own at first.
        StageDriver driver = DeliverOneByOne([At(23, login: true), At(0), At(5), At(10), At(15), At(20), At(25), Clock(60)]);

        Assert.That(driver.WalkIns(), Is.EqualTo(new[] { ("d", At(23).At, At(23).At) }));
        Assert.That((long)driver.Ended().Single()["lastSeen"]!, Is.EqualTo(At(25).At));
    }

    [Test]
    public void A_visit_that_ended_Rearm_before_a_login_read_ahead_of_it_is_a_walk_in()
    {
        StageDriver driver = DeliverOneByOne([At(185, login: true), At(0), At(5), Clock(250)]);

        Assert.That(driver.WalkIns().Select(w => w.FirstSeen), Is.EqualTo(new[] { At(185).At, At(0).At }));
        Assert.That(driver.Ended(), Has.Count.EqualTo(2));
    }

    [Test]
    public void A_visit_that_is_present_only_after_the_idle_clock_has_passed_it_ends_at_once()
    {
        StageDriver driver = Deliver([At(0)]);
        long wall = driver.WallClock;
        driver.ConfirmIdle(wall + 1_000);
        driver.Run();
        driver.ConfirmIdle(wall + (180 * 60_000));
        driver.Run();
        driver.Write(At(5));
        driver.Run();
        Assert.That(driver.WalkIns(), Has.Count.EqualTo(1));
        Assert.That(driver.Ended().Single()["lastSeen"]!.GetValue<long>(), Is.EqualTo(At(5).At));

        driver.Write(At(10));
        driver.Write(Clock(300));
        driver.Run();
        Assert.That((driver.WalkIns().Count, driver.Ended().Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public void A_hundred_sightings_can_be_asked_for()
    {
        WalkInOptions hundred = new() { MinSightings = 100, MinDwell = TimeSpan.Zero };
        List<Sighting> halfSeconds = [.. Enumerable.Range(0, 400).Select(i => At(0) with { At = At(0).At + (i * 501) })];
        Assert.That(Deliver(halfSeconds, hundred).WalkIns().Single().At, Is.EqualTo(At(0).At + (99 * 2 * 501)));
    }

    [Test]
    public void A_login_emitted_anew_long_after_is_dropped_but_is_no_late_probe()
    {
        StageDefinition definition = WalkInStageDefinition.Create(new TopicNames(), new WalkInOptions(), []);
        IStage stage = definition.Create();
        StageAllocationContext context = new(definition.TimerOf) { Clock = At(60).At };
        byte[] login = System.Text.Encoding.UTF8.GetBytes(Login(At(0, login: true)));
        stage.Decode(1, new LogRecord { Offset = 0, Timestamp = 0, Key = "d"u8, HasKey = true, Value = login, HasValue = true }, At(60).At);
        stage.Process(1, context);
        Assert.That((context.Emitted, context.Entries), Is.EqualTo((0, 0)));
        Assert.That(definition.Counters.Where((_, i) => context.Counted[i] > 0), Is.EqualTo(new[] { "late_login" }));
    }

    [Test]
    public void What_claims_the_future_is_put_in_order_at_most_two_minutes_ahead()
    {
        IStage stage = WalkInStageDefinition.Create(new TopicNames(), new WalkInOptions(), []).Create();
        byte[] probe = System.Text.Encoding.UTF8.GetBytes(Probe(At(500)));
        byte[] login = System.Text.Encoding.UTF8.GetBytes(Login(At(500, login: true)));
        Decoded first = stage.Decode(0, new LogRecord { Offset = 0, Timestamp = 0, Key = "d"u8, HasKey = true, Value = probe, HasValue = true }, At(5).At);
        Decoded second = stage.Decode(1, new LogRecord { Offset = 0, Timestamp = 0, Key = "d"u8, HasKey = true, Value = login, HasValue = true }, At(5).At);
        Assert.That(first, Is.EqualTo(Decoded.At(At(7).At)));
        Assert.That(second, Is.EqualTo(Decoded.At(At(7).At, movesClock: false)));
    }

    [Test]
    public void A_run_that_began_within_Rearm_is_a_return_however_late_it_is_present()
    {
        List<Sighting> weak = [.. Enumerable.Range(0, 20).Select(i => At(100 + (i * 10), -70))];
        StageDriver driver = Deliver([At(0), At(5), .. weak, At(300), At(305), Clock(600)]);
        Assert.That(driver.WalkIns().Single().FirstSeen, Is.EqualTo(At(0).At));
    }

    [Test]
    public void Two_walk_ins_whose_runs_a_sighting_joins_later_end_once_each()
    {
        // One by one: the login runs ahead of the probes, and what joins it to the run before comes last.
        StageDriver driver = DeliverOneByOne([At(0), At(190, login: true), At(5), .. Enumerable.Range(1, 12).Select(i => At(5 + (i * 15))), Clock(260)]);

        Assert.That(driver.WalkIns().Select(w => w.FirstSeen), Is.EqualTo(new[] { At(190).At, At(0).At }));
        Assert.That(driver.Ended().Select(e => (string)e["visit"]!).Order(), Is.EqualTo(driver.Output(0).Select(w => (string)w!["visit"]!).Order()));
    }

    [Test]
    public void A_sighting_that_joins_a_visit_to_an_earlier_run_makes_no_second_walk_in_of_it()
    {
        StageDriver driver = Deliver([At(0), At(16), At(21), At(11), At(25), Clock(60)]);
        Assert.That(driver.WalkIns().Single().FirstSeen, Is.EqualTo(At(16).At));
        Assert.That(driver.Ended(), Has.Count.EqualTo(1));
    }

    [Test]
    public void Dwell_is_measured_from_the_strong_sighting_of_either_run_that_a_sighting_joins()
    {
        StageDriver driver = Deliver([At(0, -70), At(16, -60), At(11, -70), At(21, -70)]);
        Assert.That(driver.WalkIns(), Is.EqualTo(new[] { ("d", At(21).At, At(0).At) }));
    }

    private static List<Sighting> Days(int days, double hours, int from = 0)
    {
        List<Sighting> all = [];
        for (int day = from; day < from + days; day++)
        {
            for (double minute = 0; minute <= hours * 60; minute += 10)
                all.Add(At((day * 1440) + minute));
        }

        return all;
    }
}
