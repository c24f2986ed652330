using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Presence.Core.Log;
using Presence.Host.Hosting;

namespace Presence.Host.Web;

/// <summary>The page and its data.</summary>
public static class WebEndpoints
{
    /// <summary>Registers what they need.</summary>
    public static IServiceCollection AddPresenceWeb(this IServiceCollection services) => services;

    /// <summary>Maps them.</summary>
    public static void MapPresenceWeb(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/status", (IPresenceRuntime runtime, ILog log) => Results.Json(StatusDocument.Of(runtime.Status(), log.Description)));
    }
}
