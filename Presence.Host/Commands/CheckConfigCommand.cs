using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Presence.Core.Stages;
using Presence.Host.Configuration;

namespace Presence.Host.Commands;

/// <summary><c>check-config</c>: what would be in force, and where each value comes from.</summary>
internal static class CheckConfigCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create()
    {
        Option<string> output = CommonOptions.Output();
        Command command = new("check-config", "Validates the configuration and prints the effective one with where each value comes from.") { output };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parsed => Run(parsed, parsed.GetValue(output)!));
        return command;
    }

    private static int Run(ParseResult parsed, string output)
    {
        Settings? settings = CommandContext.Load(parsed);
        if (settings is null)
            return ExitCodes.Usage;
        List<(string Key, string Value, string Source)> rows = [.. Effective(settings.Source)];
        if (output == "json")
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(rows.Select(r => new { key = r.Key, value = r.Value, source = r.Source }), Indented));
            return ExitCodes.Done;
        }

        int key = rows.Max(r => r.Key.Length), value = Math.Min(60, rows.Max(r => r.Value.Length));
        foreach ((string k, string v, string s) in rows)
            Console.Out.WriteLine($"{k.PadRight(key)}  {v.PadRight(value)}  {s}");
        return ExitCodes.Done;
    }

    /// <summary>Defaults, and what was set over them.</summary>
    internal static IEnumerable<(string Key, string Value, string Source)> Effective(IConfigurationRoot source)
    {
        HashSet<string> set = new(StringComparer.OrdinalIgnoreCase);
        List<(string, string, string)> given = [];
        foreach (string section in new[] { "Presence", "Kafka" })
        {
            foreach ((string path, string? value) in source.GetSection(section).AsEnumerable().Where(e => ConfigurationValidator.IsSet(e.Key, e.Value)))
            {
                set.Add(path);
                IConfigurationProvider provider = source.Providers.Last(p => p.TryGet(path, out _));
                given.Add((path, Secrets.Mask(path, value!), Describe(provider)));
            }
        }

        foreach (ConfigurationKey key in ConfigurationSchema.Keys.Where(k => !k.Pattern.Contains('*', StringComparison.Ordinal) && !set.Contains(k.Pattern)))
            given.Add((key.Pattern, Default(key), "default"));
        if (!set.Any(p => p.StartsWith("Presence:Stages", StringComparison.OrdinalIgnoreCase)))
            given.Add(("Presence:Stages", string.Join(',', ServiceNames.All), "default"));
        return given.OrderBy(g => g.Item1, StringComparer.Ordinal);
    }

    private static string Default(ConfigurationKey key) =>
        key.Pattern == "Presence:Workers" ? $"{Environment.ProcessorCount} (the number of cores)" : key.Default;

    private static string Describe(IConfigurationProvider provider) => provider switch
    {
        Microsoft.Extensions.Configuration.Json.JsonConfigurationProvider json => json.Source.Path ?? "file",
        Microsoft.Extensions.Configuration.EnvironmentVariables.EnvironmentVariablesConfigurationProvider => "environment",
        _ => "command line",
    };
}
