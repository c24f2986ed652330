using Microsoft.AspNetCore.Routing;

namespace Presence.Host.Ingest;

/// <summary>JSON lines into the input topics.</summary>
public static class IngestEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapPresenceIngest(this IEndpointRouteBuilder routes)
    {
    }
}
