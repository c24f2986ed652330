namespace Presence.Core.Log;

/// <summary>When the log answers a consumer that has caught up.</summary>
public enum FetchMode
{
    /// <summary>When there is enough to be worth an answer, or after a moment: much is read, and often.</summary>
    Bulk,

    /// <summary>When there is anything: little is read, and somebody waits for it.</summary>
    Prompt,
}
