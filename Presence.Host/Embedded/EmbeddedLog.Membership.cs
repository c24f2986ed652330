using Presence.Core.Log;

namespace Presence.Host.Embedded;

public sealed partial class EmbeddedLog
{
    /// <summary>Membership in one process: who came first leads; a namesake replaces its elder.</summary>
    internal sealed class EmbeddedMembership(EmbeddedLog log, string group, string instanceId) : IGroupMembership
    {
        private bool _joined;
        private MembershipState _told = MembershipState.Joining;

        public string? Reason { get; private set; }

        public MembershipState RunOnce(TimeSpan wait)
        {
            MembershipState state = Look();
            if (state == _told && wait > TimeSpan.Zero)
            {
                // No news: the caller's loop is paced by this wait.
                Thread.Sleep(wait);
                state = Look();
            }

            return _told = state;
        }

        private MembershipState Look()
        {
            lock (log._gate)
            {
                if (Reason is not null)
                    return MembershipState.Fenced;
                if (!log._groups.TryGetValue(group, out List<EmbeddedMembership>? members))
                    log._groups[group] = members = [];
                if (!_joined)
                    Join(members);
                return members[0] == this ? MembershipState.Leader : MembershipState.Follower;
            }
        }

        public void Leave()
        {
            lock (log._gate)
            {
                if (log._groups.TryGetValue(group, out List<EmbeddedMembership>? members))
                    members.Remove(this);
            }
        }

        public void Dispose() => Leave();

        private void Join(List<EmbeddedMembership> members)
        {
            _joined = true;
            int namesake = members.FindIndex(m => m.Name == instanceId);
            if (namesake < 0)
            {
                members.Add(this);
                return;
            }

            members[namesake].Reason = $"another process joined the group '{group}' as '{instanceId}'";
            members[namesake] = this;
        }

        private string Name => instanceId;
    }
}
