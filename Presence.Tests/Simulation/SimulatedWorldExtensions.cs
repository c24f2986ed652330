using Presence.Core.Log.Simulated;

namespace Presence.Tests.Simulation;

/// <summary>Virtual time for tests of single parts.</summary>
internal static class SimulatedWorldExtensions
{
    /// <summary>Lets time pass, millisecond by millisecond, until <paramref name="reached"/>; fails after a virtual minute.</summary>
    public static void RunUntil(this SimulatedWorld world, Func<bool> reached)
    {
        long limit = world.Now + 60_000_000;
        while (!reached())
        {
            Assert.That(world.Now, Is.LessThan(limit), "not reached within a virtual minute");
            long next = world.Now + 1_000;
            while (world.RunNext(next))
            {
                // Everything that happens within it.
            }
        }
    }

    /// <summary>Lets time pass.</summary>
    public static void Run(this SimulatedWorld world, TimeSpan time)
    {
        long end = world.Now + (long)time.TotalMicroseconds;
        world.RunUntil(() => world.Now >= end);
    }
}
