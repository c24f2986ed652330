using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Presence.Host.Web.Access;

namespace Presence.Host.Web.Page;

/// <summary>The parts of the page, embedded in the assembly: one folder is all there is to publish.</summary>
internal static class PageAssets
{
    private const string Prefix = "page/";

    private static readonly Dictionary<string, string> ContentTypes = new()
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    /// <summary>Names of all parts.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(PageAssets).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Select(n => n[Prefix.Length..])];

    /// <summary>Maps <c>/</c> and each part.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (string name in Names)
        {
            byte[] content = Read(name);
            string type = ContentTypes[Path.GetExtension(name)];
            string tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"";
            RequestDelegate serve = context => Serve(context, content, type, tag);
            routes.MapMethods($"/{name}", [HttpMethods.Get, HttpMethods.Head], serve);
            if (name == "index.html")
                routes.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], serve);
        }
    }

    private static Task Serve(HttpContext context, byte[] content, string type, string tag)
    {
        SecurityHeaders.Apply(context.Response, cache: true);
        context.Response.Headers.ETag = tag;
        if (context.Request.Headers.IfNoneMatch.Contains(tag))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }

    private static byte[] Read(string name)
    {
        using Stream stream = typeof(PageAssets).Assembly.GetManifestResourceStream(Prefix + name)!;
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
