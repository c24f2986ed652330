using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Presence.Host.Configuration;
using Presence.Host.Hosting;
using Presence.Host.RocksDb;

namespace Presence.Host.Commands;

/// <summary><c>run</c>: the stream processor.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        Command command = new("run", "Runs the stream processor until SIGTERM or SIGINT (the default verb).") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(Run);
        return command;
    }

    public static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        // Whoever calls it waits for its task when a signal comes; until there is one, a signal ends the process at once.
        await Task.Yield();
        Settings? settings = CommandContext.Load(parsed);
        if (settings is not null && MemoryBudget.Of(settings).Problem(ContainerMemory.Limit()) is { } problem)
            settings = CommandContext.Report([problem]);
        return settings is null ? ExitCodes.Usage : await Run(settings, cancellation);
    }

    /// <summary>Runs until it is stopped.</summary>
    public static async Task<int> Run(Settings settings, CancellationToken cancellation)
    {
        StateDirectory directory;
        string? notice;
        try
        {
            directory = StateDirectory.Open(settings.Presence.StateDirectory, settings.Presence.InstanceId, Environment.MachineName, out notice);
        }
        catch (StateDirectoryException e)
        {
            Console.Error.WriteLine(e.Message);
            return e.MayPass ? ExitCodes.Failed : ExitCodes.Refused;
        }

        using (directory)
        {
            WebApplication app;
            try
            {
                app = PresenceHost.Build(settings, directory, notice);
            }
            catch (IOException e)
            {
                Console.Error.WriteLine(e.Message);
                return ExitCodes.Failed;
            }

            await using (app)
            {
                // Taken now: a host that has run is disposed.
                PresenceService service = PresenceHost.ServiceOf(app);
                try
                {
                    await app.RunAsync(cancellation);
                }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                {
                    // Stopped before it had started.
                }
                catch (IOException e)
                {
                    // The address is taken.
                    Console.Error.WriteLine($"{e.Message} Set Presence:HttpUrl to a free address, or to nothing.");
                    return ExitCodes.Failed;
                }

                return service.ExitCode;
            }
        }
    }
}
