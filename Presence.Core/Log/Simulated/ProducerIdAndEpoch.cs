namespace Presence.Core.Log.Simulated;

/// <summary>What a coordinator knows the user of a transactional id by.</summary>
/// <param name="Id">New when the coordinator knew nothing of the transactional id.</param>
/// <param name="Epoch">Rises with each user.</param>
public readonly record struct ProducerIdAndEpoch(long Id, int Epoch)
{
    /// <summary>Before an answer.</summary>
    public static readonly ProducerIdAndEpoch None = new(-1, -1);
}
