using Microsoft.Extensions.Configuration;
using Presence.Core.Runtime;
using Presence.Host.Configuration;

namespace Presence.Tests.Configuration;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class ConfigurationValidatorTests
{
    [Test]
    public void Nothing_configured_is_a_valid_configuration() => Assert.That(Errors(), Is.Empty);

    [Test]
    public void All_errors_show_at_once_whatever_their_kind()
    {
        IReadOnlyList<string> errors = Errors(
            ("Presence:Workrs", "2"),
            ("Presence:Workers", "abc"),
            ("Presence:StandbyReplicas", "11"),
            ("Presence:Stages", "walk-in,walkin-count"),
            ("Presence:WalkIn:ExitRssi", "-60"),
            ("Presence:Topics:WalkIns", "probes"),
            ("Kafka:Client:acks", "1"));

        Assert.That(errors, Has.Count.EqualTo(7));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(errors, Has.One.StartsWith("Presence:Workrs: no such key").And.Contains("Presence:Workers?"));
            Assert.That(errors, Has.One.StartsWith("Presence:Workers: 'abc'").And.Contains("0 to 256"));
            Assert.That(errors, Has.One.StartsWith("Presence:StandbyReplicas: '11'").And.Contains("0 to 10"));
            Assert.That(errors, Has.One.StartsWith("Presence:Stages: 'walkin-count'").And.Contains("nearest: walk-in-count"));
            Assert.That(errors, Has.One.StartsWith("Presence:WalkIn:ExitRssi: '-60'").And.Contains("'-65'"));
            Assert.That(errors, Has.One.Contains("Probes and WalkIns"));
            Assert.That(errors, Has.One.StartsWith("Kafka:Client:acks: '1' cannot be set"));
        }
    }

    [TestCase("Presence:CommitInterval", "soon", TestName = "A time span that cannot be read is refused")]
    [TestCase("Presence:CommitInterval", "00:00:06", TestName = "A commit interval out of range is refused")]
    [TestCase("Presence:BadInput:walk-in", "Ignore", TestName = "An unknown policy is refused")]
    [TestCase("Presence:BadInput:walkin", "Skip", TestName = "A policy of an unknown stage is refused")]
    [TestCase("Presence:ApplicationId", "a b", TestName = "An application id that cannot name topics is refused")]
    [TestCase("Presence:Topics:Probes", "..", TestName = "A name no topic can have is refused")]
    [TestCase("Presence:HttpUrl", "8080", TestName = "A port alone is no address to listen on")]
    [TestCase("Presence:HttpUrl", "https://127.0.0.1:8443", TestName = "Listening with TLS is refused")]
    [TestCase("Kafka:Client:bogus.setting", "1", TestName = "A setting the Kafka client does not know is refused")]
    [TestCase("Kafka:Bootstrap", "a:9092", TestName = "An unknown key under Kafka is refused")]
    public void One_bad_value_is_one_error_that_names_its_key(string key, string value)
    {
        IReadOnlyList<string> errors = Errors((key, value));

        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith($"{key}:"));
    }

    [TestCase("http://+:8080")]
    [TestCase("http://[::]:8080")]
    [TestCase("")]
    public void Every_address_or_none_can_be_listened_on(string url) => Assert.That(Errors(("Presence:HttpUrl", url)), Is.Empty);

    [Test]
    public void A_venue_is_checked_with_what_it_inherits()
    {
        IReadOnlyList<string> errors = Errors(("Presence:Venues:0:Business", "b"), ("Presence:Venues:0:Venue", "v"), ("Presence:Venues:0:SessionGap", "00:10:00"));

        Assert.That(errors, Has.Count.EqualTo(1));
        Assert.That(errors[0], Does.StartWith("Presence:Venues:0:LateGrace"));
    }

    [Test]
    public void An_override_of_a_venue_has_the_range_of_what_it_overrides() =>
        Assert.That(Errors(("Presence:Venues:0:Business", "b"), ("Presence:Venues:0:Venue", "v"), ("Presence:Venues:0:EntryRssi", "20")), Is.EqualTo(new[] { "Presence:Venues:0:EntryRssi: '20' is out of range. Allowed: -127 to 0." }));

    [Test]
    public void A_venue_listed_twice_in_an_unknown_zone_is_two_errors()
    {
        IReadOnlyList<string> errors = Errors(
            ("Presence:Venues:0:Business", "b"), ("Presence:Venues:0:Venue", "v"),
            ("Presence:Venues:1:Business", "b"), ("Presence:Venues:1:Venue", "v"), ("Presence:Venues:1:TimeZone", "Mars/Olympus"));

        Assert.That(errors, Has.Count.EqualTo(2));
        Assert.That(errors, Has.One.Contains("listed twice"));
        Assert.That(errors, Has.One.Contains("'Mars/Olympus'"));
    }

    [Test]
    public void A_value_that_was_refused_says_nothing_of_its_partner() =>
        Assert.That(Errors(("Presence:WalkIn:LateGrace", "long"), ("Presence:WalkIn:SessionGap", "00:05:00")), Has.Count.EqualTo(1));

    [Test]
    public void Secrets_are_in_no_error() =>
        Assert.That(string.Join('\n', Errors(("Kafka:Client:sasl.pasword.x", "hunter2"), ("Kafka:Client:ssl.key.bogus", "hunter2"), ("Presence:Ingest:Tokn", "hunter2"))), Is.Not.Empty.And.Not.Contain("hunter2"));

    [Test]
    public void Values_reach_the_options_and_the_last_source_wins()
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("Presence:StandbyReplicas", "2"), new("Presence:BadInput:walk-in", "Skip")])
            .AddInMemoryCollection([new("Presence:StandbyReplicas", "3"), new("Presence:Stages", "walk-in, walk-in-count"), new("Presence:Workers", "")])
            .Build();

        var (presence, _, errors) = ConfigurationValidator.Bind(configuration);

        Assert.That(errors, Is.Empty);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(presence!.StandbyReplicas, Is.EqualTo(3));
            Assert.That(presence.BadInput["walk-in"], Is.EqualTo(BadInputPolicy.Skip));
            Assert.That(presence.Stages, Is.EqualTo(new[] { "walk-in", "walk-in-count" }));
            Assert.That(presence.Workers, Is.Zero);
        }
    }

    private static IReadOnlyList<string> Errors(params (string Key, string Value)[] values) =>
        ConfigurationValidator.Bind(new ConfigurationBuilder().AddInMemoryCollection(values.Select(v => new KeyValuePair<string, string?>(v.Key, v.Value))).Build()).Errors;
}
