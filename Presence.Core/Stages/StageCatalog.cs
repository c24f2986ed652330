using Presence.Core.Events;
using Presence.Core.Stages.Counting;
using Presence.Core.Stages.DeviceToContact;
using Presence.Core.Stages.Enrichment;
using Presence.Core.Stages.WalkIn;

namespace Presence.Core.Stages;

/// <summary>The stages of the services that are switched on.</summary>
public static class StageCatalog
{
    /// <summary>In the order of the pipeline.</summary>
    public static IReadOnlyList<StageDefinition> Create(
        TopicNames topics,
        WalkInOptions walkIn,
        IReadOnlyList<VenueOptions> venues,
        EnrichedWalkInOptions enrichment,
        WalkInCountOptions counting,
        IReadOnlySet<string> services)
    {
        List<StageDefinition> all =
        [
            WalkInStageDefinition.Create(topics, walkIn, venues),
            ContactLoginsStage.Define(topics),
            DeviceToContactStage.Define(topics),
            EnrichmentStage.Define(topics, enrichment, walkIn),
            CountingStage.Define(topics, counting, enrichment, walkIn),
        ];
        return [.. all.Where(s => services.Contains(s.Service))];
    }
}
