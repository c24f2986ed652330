namespace Presence.Host.Configuration;

/// <summary>Which values are never shown.</summary>
public static class Secrets
{
    private static readonly string[] Words = ["password", "secret", "token", "sasl.username", "sasl.jaas", "sasl.oauthbearer", "ssl.key"];

    /// <summary>Whether the value of a key is a secret.</summary>
    public static bool IsSecret(string path) => Array.Exists(Words, w => path.Contains(w, StringComparison.OrdinalIgnoreCase));

    /// <summary>The value as it may be shown.</summary>
    public static string Mask(string path, string value) => value.Length > 0 && IsSecret(path) ? "***" : value;
}
