namespace Presence.Core.Log;

/// <summary>
/// Membership of one instance in the group named by the application id, as a static member, on the control topic's
/// only partition. Driven by steps: nothing happens but in <see cref="RunOnce"/>.
/// </summary>
public interface IGroupMembership : IDisposable
{
    /// <summary>Serves the membership; waits at most <paramref name="wait"/> for news. Returns where it stands.</summary>
    MembershipState RunOnce(TimeSpan wait);

    /// <summary>Why the state is <see cref="MembershipState.Fenced"/>; null otherwise.</summary>
    string? Reason { get; }

    /// <summary>Leaves the group, so that others need not wait for the session to expire.</summary>
    void Leave();
}
