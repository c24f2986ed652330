namespace Presence.Host.Web.Board;

/// <summary>Who a visitor is, as far as it is known.</summary>
internal enum VisitKind
{
    /// <summary>A device nobody has logged in with.</summary>
    Anonymous,

    /// <summary>A contact whose count is not known here yet.</summary>
    Contact,

    /// <summary>A contact's first counted visit.</summary>
    New,

    /// <summary>A contact that was counted before.</summary>
    Returning,
}
