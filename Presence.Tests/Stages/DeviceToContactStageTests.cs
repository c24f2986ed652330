using Presence.Core.Stages.DeviceToContact;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.ContactHistory;

namespace Presence.Tests.Stages;

[Parallelizable(ParallelScope.All)]
internal sealed class DeviceToContactStageTests
{
    private static StageDriver After(params string[] logins)
    {
        StageDriver driver = new(DeviceToContact);
        foreach (string login in logins)
            driver.Write(0, "d", login);
        driver.Run();
        return driver;
    }

    private static List<string?> Emitted(StageDriver driver) => [.. driver.Sent(Topics.DeviceToContact).Select(s => s.Value is null ? null : Text(s.Value))];

    [Test]
    public void Each_record_carries_the_whole_map_of_the_device()
    {
        StageDriver driver = After(DeviceLogin("d", "b2", "ann", At(1)), DeviceLogin("d", "b1", "bob", At(2), name: "Bob"));
        string ann = "\"b2\":{\"contact\":\"ann\",\"email\":\"ann@example.org\",\"at\":" + At(1) + "}";
        string bob = "\"b1\":{\"contact\":\"bob\",\"email\":\"bob@example.org\",\"name\":\"Bob\",\"at\":" + At(2) + "}";
        Assert.That(Emitted(driver), Is.EqualTo(new[]
        {
            "{\"device\":\"d\",\"businesses\":{" + ann + "}}",
            "{\"device\":\"d\",\"businesses\":{" + bob + "," + ann + "}}",
        }));
    }

    [Test]
    public void A_later_login_takes_the_place_of_an_earlier_one_and_an_older_one_changes_nothing()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(2)), DeviceLogin("d", "b", "bob", At(3)), DeviceLogin("d", "b", "cid", At(1)));
        Assert.That(Emitted(driver), Has.Count.EqualTo(2));
        Assert.That(driver.Maps().Single().Contact, Is.EqualTo("bob"));
    }

    [Test]
    public void A_login_of_an_equal_time_replaces()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(2)), DeviceLogin("d", "b", "bob", At(2)));
        Assert.That(driver.Maps().Single().Contact, Is.EqualTo("bob"));
    }

    [Test]
    public void The_same_login_again_emits_nothing_unless_its_contact_has_changed()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(2)), DeviceLogin("d", "b", "ann", At(2)));
        Assert.That(Emitted(driver), Has.Count.EqualTo(1));
        driver.Write(0, "d", DeviceLogin("d", "b", "ann", At(2), email: "new@example.org"));
        driver.Run();
        Assert.That(driver.Maps().Single().Email, Is.EqualTo("new@example.org"));
    }

    [Test]
    public void Null_is_emitted_when_nothing_is_left_and_no_state_stays()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(2)), DeviceLogin("d", "b", "ann", At(2), deleted: true));
        Assert.That(Emitted(driver)[^1], Is.Null);
        Assert.That(driver.StateCount, Is.Zero);
    }

    [Test]
    public void A_deletion_takes_the_business_out_and_leaves_the_others()
    {
        StageDriver driver = After(DeviceLogin("d", "b1", "ann", At(1)), DeviceLogin("d", "b2", "bob", At(2)), DeviceLogin("d", "b2", "bob", At(2), deleted: true));
        Assert.That(driver.Maps().Select(m => (m.Business, m.Contact)), Is.EqualTo(new[] { ("b1", "ann") }));
    }

    [Test]
    public void The_deletion_of_a_contact_that_another_has_replaced_changes_nothing()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(1)), DeviceLogin("d", "b", "bob", At(2)), DeviceLogin("d", "b", "ann", At(1), deleted: true));
        Assert.That(Emitted(driver), Has.Count.EqualTo(2));
        Assert.That(driver.Maps().Single().Contact, Is.EqualTo("bob"));
    }

    [Test]
    public void The_deletion_of_a_contact_whose_login_was_at_the_same_moment_as_the_latest_changes_nothing()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(1)), DeviceLogin("d", "b", "bob", At(1)), DeviceLogin("d", "b", "ann", At(1), deleted: true));
        Assert.That(driver.Maps().Single().Contact, Is.EqualTo("bob"));
    }

    [Test]
    public void When_the_latest_contact_is_deleted_the_login_before_it_counts_again()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(1)), DeviceLogin("d", "b", "bob", At(2)), DeviceLogin("d", "b", "bob", At(2), deleted: true));
        Assert.That(driver.Maps().Single(), Is.EqualTo(new DefinedMapping("d", "b", "ann", "ann@example.org", null, At(1))));
    }

    [Test]
    public void A_deletion_of_what_was_never_known_emits_nothing_and_leaves_no_state()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(2), deleted: true));
        Assert.That(Emitted(driver), Is.Empty);
        Assert.That(driver.StateCount, Is.Zero);
    }

    [Test]
    public void A_contact_that_comes_back_is_in_the_map_again()
    {
        StageDriver driver = After(DeviceLogin("d", "b", "ann", At(2)), DeviceLogin("d", "b", "ann", At(2), deleted: true), DeviceLogin("d", "b", "ann", At(2)));
        Assert.That(driver.Maps().Single().Contact, Is.EqualTo("ann"));
    }

    [Test]
    public void A_device_of_very_many_contacts_keeps_the_latest_few_per_business()
    {
        StageDriver driver = After([.. Enumerable.Range(0, 100).Select(i => DeviceLogin("d", "b", $"c{i}", At(i))), DeviceLogin("d", "a", "ann", At(0))]);
        Assert.That(driver.Store.Entries.Max(e => e.Value.Length), Is.LessThan((DeviceState.ContactsMax + 1) * 40));
        for (int i = 0; i < DeviceState.ContactsMax; i++)
            driver.Write(0, "d", DeviceLogin("d", "b", $"c{99 - i}", At(99 - i), deleted: true));
        driver.Run();
        Assert.That(driver.Maps().Select(m => m.Business), Is.EqualTo(new[] { "a" }));
    }

    [Test]
    public void Of_more_businesses_than_fit_the_one_with_the_oldest_login_goes()
    {
        string email = new('e', 1000);
        string longId = new('x', 190);
        StageDriver driver = After([.. Enumerable.Range(0, 400).Select(i => DeviceLogin("d", $"{longId}{i}", "ann", At(i), email, email))]);
        Assert.That(driver.Store.Entries.Max(e => e.Value.Length), Is.LessThanOrEqualTo(DeviceState.BytesMax));
        List<DefinedMapping> kept = driver.Maps();
        Assert.That(kept.Min(m => m.At), Is.EqualTo(At(400 - kept.Count)));
        Assert.That(kept, Has.Count.InRange(150, 200));
    }
}
