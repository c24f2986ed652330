using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Presence.Core.Events;

namespace Presence.Host.Ingest;

/// <summary>JSON lines into the input topics.</summary>
public static class IngestEndpoints
{
    /// <summary>Maps them. What they need is registered with the page's.</summary>
    public static void MapPresenceIngest(this IEndpointRouteBuilder routes)
    {
        IngestHandler handler = routes.ServiceProvider.GetRequiredService<IngestHandler>();
        TopicNames topics = routes.ServiceProvider.GetRequiredService<TopicNames>();
        routes.MapPost("/ingest/probes", (RequestDelegate)(c => handler.Serve(c, new ProbeLines(topics.Probes))));
        routes.MapPost("/ingest/crm-contacts", (RequestDelegate)(c => handler.Serve(c, new ContactLines(topics.CrmContacts))));
        routes.MapPost("/ingest/crm-logins", (RequestDelegate)(c => handler.Serve(c, new LoginLines(topics.CrmLogins))));
    }

    /// <summary>Registers what they need, besides the log, the topic names and the access rules.</summary>
    internal static void AddPresenceIngest(this IServiceCollection services)
    {
        services.TryAddSingleton(new IngestLimits());
        services.TryAddSingleton<IngestHandler>();
    }
}
