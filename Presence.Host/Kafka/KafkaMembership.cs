using Confluent.Kafka;
using Presence.Core.Log;

namespace Presence.Host.Kafka;

/// <summary>
/// Static membership on the control topic. A killed predecessor with the same instance id is replaced at once: the
/// coordinator hands its place to the newcomer and fences the old one. The client sends no leave request for a static
/// member, and has no call to remove one: after <see cref="Leave"/> another instance id waits for the session to expire
/// (10 s), the same one does not wait.
/// </summary>
internal sealed class KafkaMembership(KafkaClients clients, string group, string instanceId, string controlTopic) : IGroupMembership
{
    private IConsumer<Ignore, Ignore>? _consumer;
    private MembershipState _state = MembershipState.Joining;

    public string? Reason { get; private set; }

    public MembershipState RunOnce(TimeSpan wait)
    {
        if (_state == MembershipState.Fenced)
            return _state;
        try
        {
            _consumer ??= Join();
            _consumer.Consume(wait);
        }
        catch (KafkaException e) when (e.Error.IsFatal || e.Error.Code == ErrorCode.FencedInstanceId)
        {
            Fence(e.Error);
        }
        catch (KafkaException e)
        {
            // It goes on by itself; tasks do not depend on the group.
            clients.Logger.KafkaClient(Microsoft.Extensions.Logging.LogLevel.Debug, group, "membership", e.Error.Reason);
        }

        return _state;
    }

    public void Leave()
    {
        if (_state != MembershipState.Fenced)
            _consumer?.Close();
        _consumer?.Dispose();
        _consumer = null;
    }

    public void Dispose() => Leave();

    private IConsumer<Ignore, Ignore> Join()
    {
        Dictionary<string, string> configuration = clients.Configure(
            $"{group}-{instanceId}-member",
            new()
            {
                ["session.timeout.ms"] = "10000",
                ["heartbeat.interval.ms"] = "1000",
                ["fetch.wait.max.ms"] = "500",
            },
            new()
            {
                ["group.id"] = group,
                ["group.instance.id"] = instanceId,
                ["max.poll.interval.ms"] = "86400000",
                ["enable.auto.commit"] = "false",
                ["auto.offset.reset"] = "latest",
                ["partition.assignment.strategy"] = "range",
            });
        IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(configuration)
            .SetLogHandler((_, m) => clients.Log(m))
            .SetErrorHandler((_, e) =>
            {
                if (e.Code == ErrorCode.FencedInstanceId || e.IsFatal)
                    Fence(e);
            })
            .SetPartitionsAssignedHandler((_, partitions) => _state = partitions.Count > 0 ? MembershipState.Leader : MembershipState.Follower)
            .SetPartitionsRevokedHandler((_, _) => _state = MembershipState.Joining)
            .SetPartitionsLostHandler((_, _) => _state = MembershipState.Joining)
            .Build();
        consumer.Subscribe(controlTopic);
        return consumer;
    }

    private void Fence(Error error)
    {
        Reason = $"{error.Code}: {error.Reason}";
        _state = MembershipState.Fenced;
    }
}
