namespace Presence.Host.Replay;

/// <summary>One probe request out of a capture.</summary>
/// <param name="At">When it was heard, ms since 1970-01-01 UTC.</param>
/// <param name="Device">The sender's MAC, lower case with colons.</param>
/// <param name="AccessPoint">Who heard it.</param>
/// <param name="Rssi">dBm, -127 to 0.</param>
/// <param name="Randomized">The address is locally administered.</param>
public readonly record struct CapturedProbe(long At, string Device, string AccessPoint, int Rssi, bool Randomized);
