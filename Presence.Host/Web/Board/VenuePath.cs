using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Presence.Host.Web.Board;

/// <summary>
/// Business and venue of <c>/api/venues/{business}/{venue}</c>, taken from the request as it was sent: an id may contain
/// a slash, and the decoded path no longer tells which is which.
/// </summary>
internal static class VenuePath
{
    /// <summary>Both ids, decoded.</summary>
    public static (string Business, string Venue) Of(HttpContext context)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        int query = target.IndexOf('?', StringComparison.Ordinal);
        string[] segments = (query < 0 ? target : target[..query]).Split('/');
        int venues = Array.IndexOf(segments, "venues");
        return venues >= 0 && segments.Length > venues + 2
            ? (Uri.UnescapeDataString(segments[venues + 1]), Uri.UnescapeDataString(segments[venues + 2]))
            : ("", "");
    }
}
