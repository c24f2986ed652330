namespace Presence.Core.Log.Simulated;

/// <summary>A static member of a group. Each step is a heartbeat; one whose session has expired joins anew.</summary>
internal sealed class SimulatedMembership(SimulatedLog log, string group, string instanceId) : IGroupMembership
{
    private SimulatedCluster.Member? _member;
    private bool _joining;
    private long _nextBeat;

    public string? Reason { get; private set; }

    public MembershipState RunOnce(TimeSpan wait)
    {
        if (Reason is not null)
            return MembershipState.Fenced;
        if (_member is null)
        {
            if (!_joining)
            {
                _joining = true;
                log.Send(
                    group,
                    () =>
                    {
                        _member = log.Cluster.Join(group, instanceId);
                        return LogResult.Ok;
                    },
                    _ => _joining = false);
            }

            return MembershipState.Joining;
        }

        if (_member.IsFenced)
        {
            Reason = "another member joined under the same group.instance.id";
            return MembershipState.Fenced;
        }

        if (log.Cluster.World.Now >= _nextBeat && log.Cluster.IsUp(group))
        {
            _nextBeat = log.Cluster.World.Now + 500_000;
            if (!log.Cluster.Beat(group, _member))
            {
                _member = null;
                return MembershipState.Joining;
            }
        }

        return _member.IsLeader ? MembershipState.Leader : MembershipState.Follower;
    }

    public void Leave()
    {
        if (_member is { IsFenced: false })
            log.Cluster.Leave(group, _member);
    }

    public void Dispose()
    {
        // A process that ends without leaving stays a member until its session expires.
    }
}
