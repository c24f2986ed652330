namespace Presence.Host.Configuration;

/// <summary><c>Presence:Ingest</c>.</summary>
public sealed class IngestOptions
{
    /// <summary>Bearer token for callers that are not on this machine; empty: only loopback may write.</summary>
    public string Token { get; set; } = "";
}
