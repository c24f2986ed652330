using System.ComponentModel.DataAnnotations;

namespace Presence.Core.Stages.Enrichment;

/// <summary><c>Presence:EnrichedWalkIn</c>.</summary>
public sealed class EnrichedWalkInOptions
{
    /// <summary>How long after a walk-in a login may come and still give it its contact (event time).</summary>
    [Range(typeof(TimeSpan), "00:00:00", "7.00:00:00")]
    public TimeSpan LoginWait { get; set; } = TimeSpan.FromHours(2);
}
