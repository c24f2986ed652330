using Presence.Host.Ingest;
using Presence.Host.Web.Board;

namespace Presence.Tests.Web;

/// <summary>What a test needs otherwise.</summary>
internal sealed record WebFixtureOptions
{
    public string Token { get; init; } = WebFixture.Token;

    public IngestLimits Limits { get; init; } = new();

    public BoardOptions Board { get; init; } = new();

    public bool CreateTopics { get; init; } = true;
}
