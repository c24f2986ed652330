namespace Presence.Host.Ingest;

/// <summary>What a caller may ask of the ingest at once. Memory is at most the bodies of all concurrent requests, twice.</summary>
internal sealed record IngestLimits
{
    /// <summary>Largest body, bytes.</summary>
    public int BodyBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Largest line, bytes: far above any record of the contract, far below what a log takes.</summary>
    public int LineBytesMax { get; init; } = 64 * 1024;

    /// <summary>Requests in work at once; one more is told to come back.</summary>
    public int ConcurrentRequestsMax { get; init; } = 8;

    /// <summary>Bad lines that an answer names; all are counted.</summary>
    public int NamedLinesMax { get; init; } = 100;

    /// <summary>How long the log has to take the records.</summary>
    public TimeSpan LogTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a body may take to arrive: a caller that sends nothing must not hold a place for ever.</summary>
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
