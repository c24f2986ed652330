using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Presence.Core.Runtime;
using Presence.Host.Hosting;

namespace Presence.Host.Health;

/// <summary>
/// <c>/health/live</c>: loops move, nothing fatal (whatever the broker does). <c>/health/ready</c>: all tasks run.
/// <c>/health/startup</c>: the first incarnation has begun. 200 or 503, with a reason.
/// </summary>
public static class HealthEndpoints
{
    private const long StuckMilliseconds = 30_000;

    /// <summary>Maps them.</summary>
    public static void MapPresenceHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", (IPresenceRuntime runtime, TimeProvider time) => Answer(Live(runtime.Status(), time.GetUtcNow().ToUnixTimeMilliseconds())));
        routes.MapGet("/health/ready", (IPresenceRuntime runtime) => Answer(Ready(runtime.Status())));
        routes.MapGet("/health/startup", (IPresenceRuntime runtime) => Answer(Started(runtime.Status())));
    }

    /// <summary>Null when it is live, else why not.</summary>
    public static string? Live(InstanceStatus status, long now) =>
        status.State == InstanceState.Failed ? status.Reason ?? "failed"
        : now - status.LastProgress > StuckMilliseconds ? $"a loop has not moved for {(now - status.LastProgress) / 1000} s"
        : null;

    /// <summary>Null when it is ready, else why not.</summary>
    public static string? Ready(InstanceStatus status)
    {
        if (status.State != InstanceState.Running)
            return $"{status.State}{(status.Reason is null ? "" : $": {status.Reason}")}";
        if (status.Tasks.Count == 0 && status.Reason is not null)
            return status.Reason;
        int waiting = status.Tasks.Count(t => t.State != TaskState.Running);
        return waiting == 0 ? null : $"{waiting} of {status.Tasks.Count} tasks do not run yet, or stand still";
    }

    /// <summary>Null when it has started, else how far it is.</summary>
    public static string? Started(InstanceStatus status) =>
        status.State is InstanceState.Running or InstanceState.Stopping or InstanceState.Stopped ? null : $"{status.State}{(status.Reason is null ? "" : $": {status.Reason}")}";

    private static IResult Answer(string? problem) =>
        problem is null
            ? Results.Json(new { status = "ok" })
            : Results.Json(new { status = "unavailable", reason = problem }, statusCode: StatusCodes.Status503ServiceUnavailable);
}
