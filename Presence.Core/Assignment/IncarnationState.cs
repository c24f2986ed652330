namespace Presence.Core.Assignment;

/// <summary>
/// Where an incarnation stands in the control log:
/// <code>
/// Live -> Condemned -> (fenced: its record is deleted)
///   \---> Ended     -> (its instance is back, or was waited for long enough: deleted)
/// Refused  (it differs from the fleet; it reads why, and ends)
/// </code>
/// </summary>
public enum IncarnationState
{
    /// <summary>It may be given tasks.</summary>
    Live,

    /// <summary>It is taken for dead: its transactional ids are being initialised, and until that is done nobody gets its tasks.</summary>
    Condemned,

    /// <summary>It has ended cleanly; its instance may come back for its tasks.</summary>
    Ended,

    /// <summary>It cannot be part of this fleet.</summary>
    Refused,
}
