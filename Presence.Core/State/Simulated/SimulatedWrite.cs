using Presence.Core.Log.Simulated;

namespace Presence.Core.State.Simulated;

/// <summary>A batch on its way to a simulated disk: there at some moment, as a whole, or refused.</summary>
internal sealed class SimulatedWrite(SimulatedDisk disk, SimulatedStoreFile file, List<(byte[] Key, byte[]? Value)> batch, bool asFile)
{
    /// <summary>Whether it was refused.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Whether its writer was told.</summary>
    public bool IsReported { get; set; }

    /// <summary>It happens now, if it has not happened and its writer has not gone.</summary>
    public void Do()
    {
        if (file.Pending != this)
            return;
        file.Pending = null;
        HasFailed = disk.World.Now < disk.FullUntil;
        if (HasFailed)
            return;
        file.Write(batch);
        if (asFile)
            file.Sync();
        // A rebuild has many files, and one that is damaged again and again waits for an operator.
        if (disk.World.Faults.Strikes(SimulatedFault.CorruptStore, asFile ? 0.003 : 0.05))
            file.IsDamaged = true;
    }
}
