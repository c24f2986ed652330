namespace Presence.Core.Runtime;

/// <summary>What a takeover is for.</summary>
public enum TakeoverGoal
{
    /// <summary>To see how far the copy on the disk is.</summary>
    Look,

    /// <summary>To follow the changelog, ready to run.</summary>
    Follow,

    /// <summary>To run the task.</summary>
    Run,
}
