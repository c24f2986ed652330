namespace Presence.Tests.Definition;

/// <summary>An enriched walk-in as counting reads it.</summary>
internal sealed record CountedFact(string Visit, long At, long FirstSeen);

/// <summary>How often a contact came, over the whole sequence in which its enriched walk-ins were processed.</summary>
internal static class CountDefinition
{
    /// <summary>Those that count, in the order in which they were processed.</summary>
    public static List<CountedFact> Of(IEnumerable<CountedFact> walkIns, long rearm, long keep, long baseAsOf = long.MinValue) =>
        walkIns.Where(w => w.FirstSeen > baseAsOf).Aggregate(
            new List<CountedFact>(),
            (counted, w) => counted.Where(c => c.At >= counted.Max(n => n.At) - keep).All(c => Math.Abs(c.At - w.At) >= rearm) ? [.. counted, w] : counted);
}
