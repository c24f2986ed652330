namespace Presence.Core.Runtime;

/// <summary>
/// Lifecycle of a takeover:
/// <code>
/// to run:     Positions -> Ends -> Opening -> Replaying -> Completing -> Done
/// to follow:               Ends -> Opening -> Following -> (to run:) Positions -> Ends -> Replaying -> Completing -> Done
///                ^_________|________|___________|_____________|   (the log or the disk refuses for now: again after a pause)
/// any -> Stopped  (an operator must decide)
/// </code>
/// </summary>
public enum TakeoverState
{
    /// <summary>Asking for the committed input positions, stable ones only.</summary>
    Positions,

    /// <summary>Asking for starts and ends of inputs and changelog; only after the positions, so that the last transaction of the predecessor lies before the end.</summary>
    Ends,

    /// <summary>Opening the store and judging what it holds.</summary>
    Opening,

    /// <summary>Replaying the changelog up to that end.</summary>
    Replaying,

    /// <summary>Writing the last of it.</summary>
    Completing,

    /// <summary>Keeping up with the changelog; or, only looked at, standing where it was found.</summary>
    Following,

    /// <summary>Ready to run.</summary>
    Done,

    /// <summary>There was no usable copy to look at.</summary>
    Nothing,

    /// <summary>Given up until an operator decides.</summary>
    Stopped,
}
