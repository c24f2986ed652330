using Microsoft.Extensions.Configuration;

namespace Presence.Host.Configuration;

/// <summary>Where configuration comes from, later ones over earlier ones: appsettings.json, environment, command line.</summary>
public static class ConfigurationLoader
{
    /// <summary>Reads all of them. Throws InvalidDataException for a file that is not JSON.</summary>
    public static IConfigurationRoot Load(IReadOnlyList<string> arguments)
    {
        string environment = Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? "Production";
        return new ConfigurationBuilder()
            .SetBasePath(Directory.GetCurrentDirectory())
            .AddJsonFile("appsettings.json", optional: true)
            .AddJsonFile($"appsettings.{environment}.json", optional: true)
            .AddEnvironmentVariables()
            .AddCommandLine([.. arguments])
            .Build();
    }
}
