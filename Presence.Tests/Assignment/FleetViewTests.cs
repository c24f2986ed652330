using System.Text;
using Presence.Core.Assignment;
using Presence.Core.Log;
using Presence.Core.Log.Simulated;
using Presence.Tests.Conformance;

namespace Presence.Tests.Assignment;

/// <summary>Who listens to the announcements goes on when the log has lost its place in them.</summary>
[NonParallelizable]
internal sealed class FleetViewTests
{
    [TestCase(LogKind.Simulated)]
    [TestCase(LogKind.Embedded)]
    [TestCase(LogKind.Kafka)]
    [TestCase(LogKind.KafkaPlain)]
    public async Task A_topic_that_was_made_anew_is_listened_to_from_its_end(LogKind kind)
    {
        using LogUnderTest log = await LogUnderTest.Open(kind);
        string application = $"fleet-{Guid.NewGuid():N}";
        string topic = ControlTopics.FleetOf(application);
        log.CreateTopic(topic, 1);
        using ITransactionalProducer producer = log.Log.CreateProducer($"id-{Guid.NewGuid():N}");
        log.Ok(() => producer.Init(TimeSpan.FromMilliseconds(500)));
        using FleetView view = new(log.Log, application, "own", TimeSpan.FromSeconds(5), TimeProvider.System);
        Listen(log, view);
        Announce(log, producer, topic, "before");
        log.Until(() => Hears(view, "before"), "what is said in the first topic");

        log.DeleteTopic(topic);
        log.CreateTopic(topic, 1);
        log.Until(() => !IsListening(view), "the loss is seen");
        Listen(log, view);
        // A producer may have the old topic's identity for a moment.
        log.Until(
            () =>
            {
                Announce(log, producer, topic, "after");
                return Hears(view, "after");
            },
            "what is said in the second topic");
    }

    [Test]
    public async Task Access_that_is_denied_is_waited_for_with_the_place_kept()
    {
        using LogUnderTest log = await LogUnderTest.Open(LogKind.Simulated);
        const string application = "fleet";
        string topic = ControlTopics.FleetOf(application);
        log.CreateTopic(topic, 1);
        using ITransactionalProducer producer = log.Log.CreateProducer("id");
        log.Ok(() => producer.Init(TimeSpan.FromMilliseconds(500)));
        using FleetView view = new(log.Log, application, "own", TimeSpan.FromSeconds(5), TimeProvider.System);
        Listen(log, view);
        HashSet<string> denied = ((SimulatedLog)log.Log).Cluster.Denied;
        denied.Add(topic);
        Announce(log, producer, topic, "meanwhile");
        for (int i = 0; i < 500; i++)
        {
            Assert.That(IsListening(view), Is.True);
            log.Pass(TimeSpan.FromMilliseconds(5));
        }

        denied.Clear();
        log.Until(() => Hears(view, "meanwhile"), "what was said while access was denied");
    }

    private static void Listen(LogUnderTest log, FleetView view) => log.Until(() => IsListening(view), "it listens");

    private static bool IsListening(FleetView view)
    {
        view.Poll(CancellationToken.None);
        return view.IsListening;
    }

    private static bool Hears(FleetView view, string incarnation)
    {
        view.Poll(CancellationToken.None);
        return view.Of(incarnation) is not null;
    }

    private static void Announce(LogUnderTest log, ITransactionalProducer producer, string topic, string incarnation)
    {
        Announcement announcement = new(incarnation, 1, "i", "", "", MemberState.Alive, 1, 0, [], []);
        log.Ok(producer.Begin);
        log.Ok(() => producer.Produce(new TopicPartition(topic, 0), Encoding.UTF8.GetBytes(incarnation), true, announcement.Value(), true, 0));
        LogResult result = log.Answer(() => producer.Commit(TimeSpan.FromMilliseconds(500)));
        if (!result.IsOk)
            log.Ok(() => producer.Abort(TimeSpan.FromMilliseconds(500)));
    }
}
