namespace Presence.Core.Stages;

/// <summary>The services a user switches on by <c>Presence:Stages</c>.</summary>
public static class ServiceNames
{
    public const string WalkIn = "walk-in";
    public const string DeviceToContact = "device-to-contact";
    public const string EnrichedWalkIn = "enriched-walk-in";
    public const string WalkInCount = "walk-in-count";

    /// <summary>All of them, in the order of the pipeline.</summary>
    public static IReadOnlyList<string> All { get; } = [WalkIn, DeviceToContact, EnrichedWalkIn, WalkInCount];
}
