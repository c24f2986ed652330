using System.CommandLine;

namespace Presence.Host.Commands;

internal static class ReplayCommand
{
    public static Command Create() => new("replay");
}
