namespace Presence.Tests.Simulation;

/// <summary>The runtime in virtual time, with everything going wrong; seeds that once failed stay here.</summary>
[Category("Simulation")]
internal sealed class SimulationTests
{
    [Test]
    public void The_same_seed_goes_the_same_way([Values(1, 2)] int seed)
    {
        ulong first = SimulationRun.Run(seed).Hash;
        Assert.That(SimulationRun.Run(seed).Hash, Is.EqualTo(first));
    }

    [Test]
    public void Nothing_is_lost_or_doubled_whatever_goes_wrong([Range(1, 20)] int seed) =>
        Assert.That(SimulationRun.Run(seed).Failure, Is.Null);
}
