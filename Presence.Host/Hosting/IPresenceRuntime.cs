using Presence.Core.Runtime;

namespace Presence.Host.Hosting;

/// <summary>The running stream processor, as the host sees it.</summary>
public interface IPresenceRuntime
{
    /// <summary>Starts the loops.</summary>
    void Start();

    /// <summary>Completes when the runtime has ended: cleanly (true), or failed (false; the reason is in the status).</summary>
    Task<bool> Completion { get; }

    /// <summary>A snapshot; any thread.</summary>
    InstanceStatus Status();

    /// <summary>True when it ended because going on would be unsafe.</summary>
    bool IsRefused { get; }

    /// <summary>Asks for a clean end; <see cref="Completion"/> follows.</summary>
    void RequestStop();
}
