namespace Presence.Host.Web.Board;

/// <summary>What the board reads.</summary>
internal enum BoardTopic
{
    /// <summary>Somebody walked in.</summary>
    WalkIns,

    /// <summary>A visit is over.</summary>
    VisitsEnded,

    /// <summary>Who it was.</summary>
    EnrichedWalkIns,

    /// <summary>How often they came.</summary>
    WalkInCounts,
}
