using Presence.Core.Stages.WalkIn;
using Presence.Tests.Definition;
using static Presence.Tests.Stages.WalkInHistory;

namespace Presence.Tests.Stages;

[Parallelizable(ParallelScope.All)]
internal sealed class WalkInCaptureTests
{
    [TestCase("2024-02-08", 19, 30)]
    [TestCase("2024-02-29", 27, 39)]
    [TestCase("2024-03-14", 31, 44)]
    [TestCase("2024-03-16", 1, 1)]
    public void Real_captures_give_the_stated_walk_ins_in_the_definition_and_in_the_stage(string day, int withoutComputers, int withComputers)
    {
        List<Sighting> sightings = ProbeCaptures.Of(day);
        VenueOptions excluding = new() { Business = "university", Venue = "lab", ExcludedDevices = [.. ProbeCaptures.Computers] };
        Assert.Multiple(() =>
        {
            Check(sightings, excluding, withoutComputers);
            Check(sightings, null, withComputers);
        });
    }

    private static void Check(List<Sighting> sightings, VenueOptions? venue, int count)
    {
        List<DefinedWalkIn> defined = WalkInDefinition.Of(sightings, (_, _) => new WalkInOptions(), (_, _) => venue);
        StageDriver driver = venue is null ? Driver() : Driver(null, venue);
        foreach (Sighting s in sightings)
            driver.Write(s);
        driver.Run();
        Assert.That(defined, Has.Count.EqualTo(count), "the definition");
        Assert.That(driver.WalkIns().Order(), Is.EqualTo(defined.Select(w => (w.Device, w.At, w.FirstSeen)).Order()), "the stage");
    }
}
