using Presence.Core.Log;
using Presence.Core.Runtime;
using Presence.Host.Hosting;

namespace Presence.Host.Web.Status;

/// <summary>The instance of this process.</summary>
internal sealed class RuntimeStatusSource(IPresenceRuntime runtime, ILog log) : IStatusSource
{
    /// <inheritdoc/>
    public InstanceStatus Status() => runtime.Status();

    /// <inheritdoc/>
    public string LogDescription => log.Description;
}
