namespace Presence.Core.Assignment;

/// <summary>What an incarnation says of itself.</summary>
public enum MemberState
{
    /// <summary>It takes tasks.</summary>
    Alive,

    /// <summary>It has closed everything and will never run a task again.</summary>
    Ended,

    /// <summary>A part of it is stuck: it is to be fenced, like one that is dead.</summary>
    Stuck,
}
