using System.CommandLine;
using System.CommandLine.Parsing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Presence.Host.Configuration;

namespace Presence.Host.Commands;

/// <summary>What all verbs share: configuration out of what the command line left over, and logs on stderr.</summary>
internal static class CommandContext
{
    /// <summary>
    /// Loads and checks the configuration. Null after errors, which are on stderr: the verb ends with
    /// <see cref="ExitCodes.Usage"/>.
    /// </summary>
    public static Settings? Load(ParseResult parsed, IReadOnlyDictionary<string, string>? overrides = null)
    {
        List<string> errors = [];
        List<string> arguments = Arguments(parsed, errors);
        foreach ((string key, string value) in overrides ?? new Dictionary<string, string>())
            arguments.Add($"--{key}={value}");
        if (errors.Count > 0)
            return Report(errors);
        IConfigurationRoot source;
        try
        {
            source = ConfigurationLoader.Load(arguments);
        }
        catch (InvalidDataException e)
        {
            return Report([$"{e.Message} {e.InnerException?.Message}"]);
        }

        (PresenceOptions? presence, Kafka.KafkaOptions? kafka, IReadOnlyList<string> found) = ConfigurationValidator.Bind(source);
        return found.Count > 0 ? Report(found) : new Settings(presence!, kafka!, source);
    }

    /// <summary>Logs to stderr, as every verb but run does.</summary>
    public static ILoggerFactory StderrLogs(Settings settings, LogLevel level = LogLevel.Warning) => LoggerFactory.Create(logging => logging
        .AddConfiguration(settings.Source.GetSection("Logging"))
        .SetMinimumLevel(level)
        .AddSimpleConsole(o => o.SingleLine = true)
        .Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace));

    // What no option took must be configuration: --Section:Key value, or --Section:Key=value.
    private static List<string> Arguments(ParseResult parsed, List<string> errors)
    {
        IReadOnlyList<string> tokens = parsed.UnmatchedTokens;
        List<string> arguments = [];
        for (int i = 0; i < tokens.Count; i++)
        {
            string token = tokens[i];
            if (!token.StartsWith("--", StringComparison.Ordinal) || !token.Contains(':', StringComparison.Ordinal))
            {
                errors.Add($"'{token}' is not understood. Allowed: a verb's options (see --help), and configuration as --Presence:Workers 2.{Guess(token, parsed.CommandResult.Command)}");
                continue;
            }

            if (token.Contains('=', StringComparison.Ordinal))
            {
                arguments.Add(token);
            }
            else if (i + 1 < tokens.Count && !tokens[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                arguments.Add($"{token}={tokens[++i]}");
            }
            else
            {
                errors.Add($"'{token}' has no value. Write {token} VALUE.");
            }
        }

        return arguments;
    }

    private static string Guess(string token, Command command)
    {
        bool isOption = token.StartsWith('-');
        string[] known = isOption ? [.. command.Options.Where(o => !o.Hidden).Select(o => o.Name)] : [.. command.Subcommands.Select(c => c.Name)];
        return known.Length == 0 ? "" : $" Did you mean {ConfigurationValidator.Nearest(token.Split('=')[0], known)}?";
    }

    internal static Settings? Report(IReadOnlyList<string> errors)
    {
        Console.Error.WriteLine(errors.Count == 1 ? "The command line or configuration has an error:" : $"The command line or configuration has {errors.Count} errors:");
        foreach (string error in errors)
            Console.Error.WriteLine($"  {error}");
        return null;
    }
}
