namespace Presence.Host.Commands;

/// <summary>What scripts go by.</summary>
public static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;

    /// <summary>Bad usage or configuration.</summary>
    public const int Usage = 2;

    /// <summary>Refused as unsafe.</summary>
    public const int Refused = 3;

    public const int Interrupted = 130;
}
