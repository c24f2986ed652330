using System.Text.Json.Nodes;
using Presence.Core.Runtime;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Stages;

[Parallelizable(ParallelScope.All)]
internal sealed class ContactLoginsStageTests
{
    private static readonly ContactFact Ann = new("ann", At(0), "ann@example.org", "Ann");
    private static readonly LoginFact Login = new("ann", "d", "b", "v", At(10));

    private static StageDriver After(params object[] facts) => new StageDriver(Logins).After(facts);

    private static List<string> Emitted(StageDriver driver) => [.. driver.Output(0).Select(n => n!.ToJsonString())];

    [Test]
    public void A_login_joined_with_its_contact_is_emitted_by_device()
    {
        StageDriver driver = After(Ann, Login);
        RecordingProducer.Sent sent = driver.Sent(Topics.DeviceLogins).Single();
        Assert.That(Text(sent.Key), Is.EqualTo("d"));
        Assert.That(sent.Timestamp, Is.EqualTo(At(10)));
        Assert.That(
            Text(sent.Value!),
            Is.EqualTo($$"""{"device":"d","business":"b","venue":"v","contact":"ann","email":"ann@example.org","name":"Ann","at":{{At(10)}}}"""));
    }

    [Test]
    public void A_login_before_its_contact_waits_for_it()
    {
        StageDriver driver = After(Login);
        Assert.That(Emitted(driver), Is.Empty);
        driver.After(Ann with { Name = null });
        Assert.That(Emitted(driver), Has.Count.EqualTo(1));
        Assert.That(driver.Output(0)[0]!["name"], Is.Null);
    }

    [Test]
    public void A_contact_that_changes_is_emitted_with_all_its_logins()
    {
        StageDriver driver = After(Ann, Login, Login with { Device = "d2" }, Login with { Business = "b2" }, Ann with { At = At(20), Email = "new@example.org" });
        Assert.That(driver.Output(0).Skip(3).Select(n => ((string)n!["device"]!, (string)n["business"]!, (string)n["email"]!)), Is.EquivalentTo(new[]
        {
            ("d", "b", "new@example.org"), ("d2", "b", "new@example.org"), ("d", "b2", "new@example.org"),
        }));
    }

    [Test]
    public void A_contact_that_says_the_same_again_emits_nothing()
    {
        StageDriver driver = After(Ann, Login, Ann with { At = At(20) });
        Assert.That(Emitted(driver), Has.Count.EqualTo(1));
    }

    [Test]
    public void An_older_contact_record_never_overwrites_a_newer_one_whichever_topic_it_came_by()
    {
        StageDriver driver = After(Ann with { At = At(20) }, Login);
        driver.Write(new ContactFact("ann", At(19), "old@example.org"), backfill: true);
        driver.Write(new ContactFact("ann", At(18), "older@example.org"));
        driver.Write(new ContactFact("ann", At(17), null));
        driver.Run();
        Assert.That(Emitted(driver), Has.Count.EqualTo(1));
        driver.After(Login with { Device = "d2" });
        Assert.That((string)driver.Output(0)[1]!["email"]!, Is.EqualTo("ann@example.org"));
    }

    [Test]
    public void A_contact_record_of_an_equal_time_replaces()
    {
        StageDriver driver = After(Ann, Login);
        driver.Write(Ann with { Email = "new@example.org" }, backfill: true);
        driver.Run();
        Assert.That((string)driver.Output(0)[1]!["email"]!, Is.EqualTo("new@example.org"));
    }

    [Test]
    public void A_later_login_is_emitted_with_its_venue_and_time()
    {
        StageDriver driver = After(Ann, Login, Login with { At = At(11), Venue = "v2" });
        Assert.That(driver.Output(0).Select(n => ((string)n!["venue"]!, (long)n["at"]!)), Is.EqualTo(new[] { ("v", At(10)), ("v2", At(11)) }));
    }

    [Test]
    public void An_older_login_is_emitted_as_a_sighting_and_not_kept()
    {
        StageDriver driver = After(Ann, Login, Login with { At = At(9) });
        Assert.That(driver.Output(0).Select(n => (long)n!["at"]!), Is.EqualTo(new[] { At(10), At(9) }));
        driver.After(Ann with { At = At(20), Name = "Anna" });
        Assert.That(driver.Output(0).Skip(2).Select(n => (long)n!["at"]!), Is.EqualTo(new[] { At(10) }));
    }

    [Test]
    public void A_login_known_by_backfill_alone_says_so()
    {
        StageDriver driver = After(Ann, Login with { Backfill = true });
        Assert.That((bool)driver.Output(0)[0]!["backfill"]!);
        driver.After(Ann with { At = At(20), Name = "Anna" });
        Assert.That((bool)driver.Output(0)[1]!["backfill"]!);
    }

    [Test]
    public void A_live_login_that_a_backfill_repeats_stays_live()
    {
        StageDriver driver = After(Ann, Login, Login with { Backfill = true });
        Assert.That(Emitted(driver), Has.Count.EqualTo(1));
        driver.After(Ann with { At = At(20), Name = "Anna" });
        Assert.That(driver.Output(0)[1]!["backfill"], Is.Null);
    }

    [Test]
    public void A_login_that_comes_live_after_its_backfill_becomes_live()
    {
        StageDriver driver = After(Ann, Login with { Backfill = true }, Login);
        Assert.That(driver.Output(0)[1]!["backfill"], Is.Null);
        driver.After(Ann with { At = At(20), Name = "Anna" });
        Assert.That(driver.Output(0)[2]!["backfill"], Is.Null);
    }

    [Test]
    public void Logins_of_a_deleted_contact_are_emitted_as_deleted_and_those_that_follow_are_not_emitted()
    {
        StageDriver driver = After(Ann, Login, Login with { Device = "d2" }, new ContactFact("ann", At(20), null));
        Assert.That(driver.Output(0).Skip(2).Select(n => ((string)n!["device"]!, (bool)n["deleted"]!)), Is.EquivalentTo(new[] { ("d", true), ("d2", true) }));
        driver.After(Login with { At = At(21) });
        Assert.That(Emitted(driver), Has.Count.EqualTo(4));
    }

    [Test]
    public void A_deleted_contact_leaves_no_email_and_no_name_in_the_state()
    {
        StageDriver driver = After(Ann, Login, new ContactFact("ann", At(20), null));
        string state = Text(driver.Store.Entries.Single(e => Text(e.Value).Contains('d')).Value);
        Assert.That(state, Does.Not.Contain("example").And.Not.Contain("Ann"));
    }

    [Test]
    public void A_contact_that_comes_back_is_emitted_with_its_logins()
    {
        StageDriver driver = After(Ann, Login, new ContactFact("ann", At(20), null), Login with { Device = "d2", At = At(21) }, Ann with { At = At(30) });
        Assert.That(driver.Output(0).Skip(2).Select(n => ((string)n!["device"]!, n["deleted"] is null)), Is.EquivalentTo(new[] { ("d", true), ("d2", true) }));
    }

    [Test]
    public void A_record_whose_key_is_not_its_contact_goes_to_dead_letter()
    {
        StageDriver driver = new(Logins);
        driver.Write(0, "bob", Json(("contact", "ann"), ("email", "e"), ("at", At(0))));
        driver.Write(2, "bob", Json(("contact", "ann"), ("device", "d"), ("business", "b"), ("venue", "v"), ("at", At(0))));
        driver.Run();
        Assert.That(driver.Sent("dead-letter"), Has.Count.EqualTo(2));
        Assert.That(driver.StateCount, Is.Zero);
    }

    [Test]
    public void Of_more_logins_than_a_contact_may_have_the_oldest_goes()
    {
        StageDriver driver = After(Ann);
        for (int i = 0; i <= 1000; i++)
            driver.Write(Login with { Device = $"d{i}", At = At(10 + i) });
        driver.Run();
        driver.After(Ann with { At = At(2000), Name = "Anna" });
        List<JsonNode?> last = [.. driver.Output(0).Skip(1001)];
        Assert.That(last, Has.Count.EqualTo(1000));
        Assert.That(last.Select(n => (string)n!["device"]!), Does.Not.Contain("d0"));
    }

    [Test]
    public void Ids_and_names_of_any_script_and_with_quotes_come_out_as_they_went_in()
    {
        ContactFact contact = new("žofie-\"1\"", At(0), "ž\\\"@example.org", "Žofie \"Ž\" 😀");
        StageDriver driver = After(contact, new LoginFact(contact.Contact, "d-é", "b", "v", At(1)));
        JsonNode login = driver.Output(0).Single()!;
        Assert.That(((string)login["contact"]!, (string)login["email"]!, (string)login["name"]!), Is.EqualTo((contact.Contact, contact.Email, contact.Name)));
    }

    [Test]
    public void An_aborted_transaction_leaves_nothing_behind()
    {
        StageDriver driver = After(Ann);
        driver.Write(Login);
        driver.Process();
        driver.Abort();
        Assert.That(driver.Process().Outcome, Is.EqualTo(FeedOutcome.Idle));
        driver.Commit();
        Assert.That(Emitted(driver), Has.Count.EqualTo(1));
    }
}
