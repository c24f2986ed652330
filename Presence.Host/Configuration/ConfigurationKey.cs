namespace Presence.Host.Configuration;

/// <summary>One key that may be set.</summary>
/// <param name="Pattern">Its path; <c>*</c> stands for an index or a name.</param>
/// <param name="Type">What its value is parsed as.</param>
/// <param name="Range">The allowed range in words; null where any value of the type will do.</param>
/// <param name="Check">Whether a parsed value is in range.</param>
/// <param name="Default">The default as text.</param>
public sealed record ConfigurationKey(string Pattern, Type Type, string? Range, Func<object, bool> Check, string Default);
