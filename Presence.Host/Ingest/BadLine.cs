namespace Presence.Host.Ingest;

/// <summary>A line that breaks the contract.</summary>
/// <param name="Line">Its number in the body, from 1.</param>
/// <param name="Field">The field concerned; null where none is.</param>
/// <param name="Breach">In what way, in snake case.</param>
/// <param name="Allowed">What would be right.</param>
internal sealed record BadLine(int Line, string? Field, string Breach, string Allowed);
