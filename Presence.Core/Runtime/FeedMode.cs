namespace Presence.Core.Runtime;

/// <summary>
/// What one transaction of a worker carries. Two aborts without an outside cause narrow it down, until the record that
/// cannot be committed stands alone and is put aside: All -> OneTask -> OneRecord -> All.
/// </summary>
public enum FeedMode
{
    /// <summary>All tasks.</summary>
    All,

    /// <summary>One task after the other.</summary>
    OneTask,

    /// <summary>One record of the suspect task.</summary>
    OneRecord,
}
