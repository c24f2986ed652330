namespace Presence.Core.Log;

/// <summary>Where an instance stands in its application's group.</summary>
public enum MembershipState
{
    /// <summary>Joining, or out of touch with the group for the moment.</summary>
    Joining,

    /// <summary>A member that holds the control partition: this instance is nominated to place the tasks.</summary>
    Leader,

    /// <summary>A member without the control partition: another instance holds it.</summary>
    Follower,

    /// <summary>Out for good: another process joined under this instance id, or the group refused it.</summary>
    Fenced,
}
