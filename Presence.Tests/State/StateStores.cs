using Presence.Core.State;

namespace Presence.Tests.State;

internal static class StateStores
{
    /// <summary>Writes the batch, and waits until it is on the disk.</summary>
    public static void WriteBatch(this IStateStore store, bool asFile = false)
    {
        store.BeginWrite(asFile);
        Assert.That(store.EndWrite(wait: true), Is.True);
    }
}
