namespace Presence.Core.Runtime;

/// <summary><c>Presence:BadInput:&lt;stage&gt;</c>: what becomes of a record that cannot be decoded or processed.</summary>
public enum BadInputPolicy
{
    /// <summary>It goes to the dead-letter topic; processing goes on.</summary>
    DeadLetter,

    /// <summary>It is counted and passed over.</summary>
    Skip,

    /// <summary>The task stops before it and says so.</summary>
    Stop,
}
