using System.CommandLine;
using Presence.Host.Commands;
using Presence.Host.Hosting;

// Verbs of presence; each has its file under Commands. No verb means run.
RootCommand root = new("Presence: who walked in, which contact that is, and how often they came; from Wi-Fi probes, exactly once.")
{
    TreatUnmatchedTokensAsErrors = false,
};
Command run = RunCommand.Create();
root.Subcommands.Add(run);
root.Subcommands.Add(DemoCommand.Create());
root.Subcommands.Add(ReplayCommand.Create());
root.Subcommands.Add(CheckConfigCommand.Create());
root.Subcommands.Add(TopicsCommand.Create());
root.Subcommands.Add(HealthCommand.Create());
root.SetAction(RunCommand.Run);

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
        Console.Error.WriteLine(error.Message);
    Console.Error.WriteLine("See --help.");
    return ExitCodes.Usage;
}

// The default gives a verb 2 s to end after a signal; run may need its shutdown time-out, and a bit to say so.
int code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
return parsed.CommandResult.Command == root || parsed.CommandResult.Command == run ? ProcessEnd.With(code) : code;
