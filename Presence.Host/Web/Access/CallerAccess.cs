using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Presence.Host.Configuration;

namespace Presence.Host.Web.Access;

/// <summary>
/// Who may write records and who may see personal data. A caller proves itself with the bearer token of
/// <c>Presence:Ingest:Token</c>; to write, being on this machine will do as well. No header widens what a caller may:
/// addresses that proxies report are never believed.
/// </summary>
internal sealed class CallerAccess
{
    // A request that bears one of these came through a proxy, or was sent by a browser on behalf of some page: that its
    // connection comes from this machine says nothing about who sent it.
    private static readonly string[] SentForOthers =
        ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Real-IP", "Via", "Origin", "Sec-Fetch-Site"];

    private const string Scheme = "Bearer ";

    private readonly byte[]? _tokenHash;

    /// <summary>With the configured token; an empty one authorises nobody.</summary>
    public CallerAccess(IngestOptions options) => _tokenHash = options.Token.Length == 0 ? null : Hash(options.Token);

    /// <summary>Whether a token is configured at all.</summary>
    public bool HasToken => _tokenHash is not null;

    /// <summary>Whether the caller may write records: it bears the token, or is on this machine and speaks for itself.</summary>
    public bool MayWrite(HttpContext context) => BearsToken(context.Request) || IsLocal(context);

    /// <summary>Whether the caller may see whole devices, contacts and e-mail addresses: it bears the token.</summary>
    public bool MaySeePersons(HttpContext context) => BearsToken(context.Request);

    // Hashes of equal length, compared in constant time: neither the token's length nor its beginning leaks.
    private bool BearsToken(HttpRequest request)
    {
        if (_tokenHash is null || request.Headers.Authorization.Count != 1)
            return false;
        string header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Hash(header[Scheme.Length..].Trim()), _tokenHash);
    }

    private static bool IsLocal(HttpContext context)
    {
        IPAddress? address = context.Connection.RemoteIpAddress;
        if (address is null)
            return false;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (!IPAddress.IsLoopback(address))
            return false;
        foreach (string header in SentForOthers)
        {
            if (context.Request.Headers.ContainsKey(header))
                return false;
        }

        return true;
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
