using System.ComponentModel.DataAnnotations;

namespace Presence.Core.Stages.Counting;

/// <summary><c>Presence:WalkInCount</c>.</summary>
public sealed class WalkInCountOptions
{
    /// <summary>An enriched walk-in nearer than this to a counted one is the same visit (event time).</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan Rearm { get; set; } = TimeSpan.FromHours(3);
}
