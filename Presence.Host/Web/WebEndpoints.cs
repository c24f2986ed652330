using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Presence.Core.Runtime;
using Presence.Core.Stages.WalkIn;
using Presence.Host.Configuration;
using Presence.Host.Ingest;
using Presence.Host.Web.Access;
using Presence.Host.Web.Board;
using Presence.Host.Web.Page;
using Presence.Host.Web.Status;

namespace Presence.Host.Web;

/// <summary>The page and its data.</summary>
public static class WebEndpoints
{
    /// <summary>
    /// Registers what page, API and ingest need. Expects settings, the log, the runtime and a time provider; whatever
    /// was registered before is left as it is.
    /// </summary>
    public static IServiceCollection AddPresenceWeb(this IServiceCollection services)
    {
        services.TryAddSingleton(p => p.GetRequiredService<Settings>().Presence.Topics.Names());
        services.TryAddSingleton(p => new CallerAccess(p.GetRequiredService<Settings>().Presence.Ingest));
        services.TryAddSingleton(p => BoardOptionsOf(p.GetRequiredService<Settings>().Presence));
        services.TryAddSingleton<IStatusSource, RuntimeStatusSource>();
        services.TryAddSingleton<RecentEvents>();
        services.AddSingleton<ILifecycleListener>(p => p.GetRequiredService<RecentEvents>());
        services.TryAddSingleton<StatusReader>();
        services.TryAddSingleton<EventClock>();
        services.TryAddSingleton<Board.Board>();
        services.TryAddSingleton<BoardEvents>();
        services.TryAddSingleton<BoardService>();
        services.AddHostedService(p => p.GetRequiredService<BoardService>());
        services.AddPresenceIngest();
        return services;
    }

    /// <summary>Maps <c>/</c> and <c>/api</c>.</summary>
    public static void MapPresenceWeb(this IEndpointRouteBuilder routes)
    {
        // Made now: uptime begins with it.
        _ = routes.ServiceProvider.GetRequiredService<StatusReader>();
        PageAssets.Map(routes);
        routes.MapGet("/api/status", (RequestDelegate)Status);
        routes.MapGet("/api/venues", (RequestDelegate)Venues);
        routes.MapGet("/api/venues/{business}/{venue}", (RequestDelegate)Venue);
        routes.MapGet("/api/venues/{business}/{venue}/events", (RequestDelegate)Events);
    }

    private static Task Status(HttpContext context)
    {
        SecurityHeaders.Apply(context.Response, cache: false);
        StatusDocument status = Service<StatusReader>(context).Read();
        return context.Response.WriteAsJsonAsync(status, WebJson.Default.StatusDocument, cancellationToken: context.RequestAborted);
    }

    private static Task Venues(HttpContext context)
    {
        SecurityHeaders.Apply(context.Response, cache: false);
        BoardService service = Service<BoardService>(context);
        VenuesDocument venues = new(service.State, service.Reason, Service<Board.Board>(context).Venues(Service<EventClock>(context).Now));
        return context.Response.WriteAsJsonAsync(venues, WebJson.Default.VenuesDocument, cancellationToken: context.RequestAborted);
    }

    private static Task Venue(HttpContext context)
    {
        SecurityHeaders.Apply(context.Response, cache: false);
        (string business, string venue) = VenuePath.Of(context);
        VenueDocument? document = Service<Board.Board>(context).Describe(business, venue, Service<EventClock>(context).Now);
        if (document is null)
            return Unknown(context);
        if (!Service<CallerAccess>(context).MaySeePersons(context))
            document = document.Mask();
        return context.Response.WriteAsJsonAsync(document, WebJson.Default.VenueDocument, cancellationToken: context.RequestAborted);
    }

    private static async Task Events(HttpContext context)
    {
        SecurityHeaders.Apply(context.Response, cache: false);
        (string business, string venue) = VenuePath.Of(context);
        Board.Board board = Service<Board.Board>(context);
        BoardListener? listener = board.Listen(business, venue, out bool full);
        if (listener is null)
        {
            if (!full)
            {
                await Unknown(context);
                return;
            }

            context.Response.Headers.RetryAfter = "10";
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await context.Response.WriteAsJsonAsync(new Problem("As many listen as there are places; try again, or ask for the venue itself now and then."), WebJson.Default.Problem, cancellationToken: context.RequestAborted);
            return;
        }

        // A listener must not hold up the host's end.
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            Service<IHostApplicationLifetime>(context).ApplicationStopping);
        try
        {
            bool masked = !Service<CallerAccess>(context).MaySeePersons(context);
            await Service<BoardEvents>(context).Send(context.Response, business, venue, listener, masked, either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // The listener has gone, or the host ends: this is how events end.
        }
        finally
        {
            board.Leave(business, venue, listener);
        }
    }

    private static Task Unknown(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return context.Response.WriteAsJsonAsync(new Problem("No walk-in of this venue is among those read; /api/venues lists the venues that are known."), WebJson.Default.Problem, cancellationToken: context.RequestAborted);
    }

    private static T Service<T>(HttpContext context)
        where T : notnull => context.RequestServices.GetRequiredService<T>();

    private static BoardOptions BoardOptionsOf(PresenceOptions options)
    {
        // No visit lasts longer than this before its end is emitted.
        TimeSpan stay = options.WalkIn.MaxVisit + options.WalkIn.SessionGap + options.WalkIn.LateGrace;
        foreach (VenueOptions venue in options.Venues)
        {
            TimeSpan own = (venue.MaxVisit ?? options.WalkIn.MaxVisit) + (venue.SessionGap ?? options.WalkIn.SessionGap) + (venue.LateGrace ?? options.WalkIn.LateGrace);
            stay = own > stay ? own : stay;
        }

        return new BoardOptions
        {
            StayMax = stay,
            TimeZones = options.Venues.GroupBy(v => $"{v.Business}|{v.Venue}").ToDictionary(g => g.Key, g => g.First().TimeZone),
        };
    }
}
