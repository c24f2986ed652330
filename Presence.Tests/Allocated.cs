namespace Presence.Tests;

/// <summary>What a thread allocates, and nothing else.</summary>
internal static class Allocated
{
    /// <summary>The bytes that the calling thread allocates on the managed heap in <paramref name="action"/>.</summary>
    /// <remarks>
    /// The runtime's counter of a thread is too high by what is left of its allocation context (up to 8 KiB) when a
    /// background collection, whoever caused it, takes that context away. Right after a collection there is none to take.
    /// </remarks>
    public static long By(Action action)
    {
        GC.Collect(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
