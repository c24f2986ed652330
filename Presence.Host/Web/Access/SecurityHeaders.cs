using Microsoft.AspNetCore.Http;

namespace Presence.Host.Web.Access;

/// <summary>What browsers may do with an answer: nothing but show it, with this page's own parts.</summary>
internal static class SecurityHeaders
{
    /// <summary>Nothing inline, nothing from elsewhere, in no frame.</summary>
    public const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Sets them. <paramref name="cache"/>: false for data.</summary>
    public static void Apply(HttpResponse response, bool cache)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        // What is kept is asked for again with its tag: a new version is seen at once.
        headers.CacheControl = cache ? "no-cache" : "no-store";
    }
}
