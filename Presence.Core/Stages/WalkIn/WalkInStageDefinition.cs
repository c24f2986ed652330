using System.Text;
using Presence.Core.Events;

namespace Presence.Core.Stages.WalkIn;

/// <summary>The walk-in stage for the runtime.</summary>
public static class WalkInStageDefinition
{
    /// <summary>The service's name.</summary>
    public const string Service = ServiceNames.WalkIn;

    internal const int Late = 0;
    internal const int Randomized = 1;
    internal const int Returned = 2;
    internal const int Excluded = 3;
    internal const int Staff = 4;
    internal const int Equipment = 5;
    internal const int LateLogin = 6;

    /// <summary>With its parameters. Throws <see cref="ArgumentException"/> for an unknown time zone.</summary>
    public static StageDefinition Create(TopicNames topics, WalkInOptions options, IReadOnlyList<VenueOptions> venues)
    {
        VenueParameters defaults = new(options, null);
        Dictionary<byte[], VenueParameters> differing = new(ByteKeys.Comparer);
        foreach (VenueOptions venue in venues)
            differing[Encoding.UTF8.GetBytes($"{venue.Business}|{venue.Venue}")] = new VenueParameters(options, venue);
        return new StageDefinition
        {
            Name = "walk-in",
            Service = Service,
            Inputs = [topics.Probes, topics.DeviceLogins],
            ClockInputs = [0],
            Outputs = [topics.WalkIns, topics.VisitsEnded],
            CopartitionedOutputs = [topics.WalkIns],
            Counters = ["late", "randomized", "returned", "excluded", "staff", "equipment", "late_login"],
            TimerOf = VisitStateCodec.TimerOf,
            Create = () => new WalkInStage(defaults, differing),
        };
    }
}
