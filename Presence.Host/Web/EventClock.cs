using Presence.Core.Runtime;
using Presence.Host.Web.Status;

namespace Presence.Host.Web;

/// <summary>Event time of the walk-in tasks: it moves on while a venue is quiet, and in a replay at the replay's pace.</summary>
internal sealed class EventClock(IStatusSource source)
{
    private const string Stage = "walk-in";

    /// <summary>ms; null when no such task runs here.</summary>
    public long? Now => source.Status().Tasks.Where(t => t.Task.Stage == Stage && t.State == TaskState.Running).Max(t => t.Clock);
}
