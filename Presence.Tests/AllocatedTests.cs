namespace Presence.Tests;

[NonParallelizable]
internal sealed class AllocatedTests
{
    [Test]
    public void A_background_collection_counts_for_nothing()
    {
        using CancellationTokenSource stop = new();
        Thread collector = new(() =>
        {
            List<byte[]> kept = [];
            while (!stop.IsCancellationRequested)
            {
                kept.Add(new byte[1000]);
                if (kept.Count < 20_000)
                    continue;
                kept.Clear();
                GC.Collect(2, GCCollectionMode.Forced, blocking: false);
            }
        });
        collector.Start();
        object[] context = new object[1];
        Action wait = () => Thread.Sleep(2);
        List<long> counted = [];
        for (int i = 0; i < 200; i++)
        {
            context[0] = new byte[100];
            counted.Add(Allocated.By(wait));
        }

        stop.Cancel();
        collector.Join();
        Assert.That(counted, Is.All.Zero);
    }

    [Test]
    public void What_is_allocated_is_counted_to_the_byte() =>
        Assert.That(Allocated.By(() => GC.KeepAlive(new byte[1000])), Is.EqualTo(1024));
}
