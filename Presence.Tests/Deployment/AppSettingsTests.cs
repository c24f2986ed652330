using Microsoft.Extensions.Configuration;
using Presence.Host.Configuration;

namespace Presence.Tests.Deployment;

[TestFixture, Parallelizable(ParallelScope.All)]
public sealed class AppSettingsTests
{
    [Test]
    public void The_example_settings_are_valid_and_show_every_key_with_its_default()
    {
        IConfigurationRoot example = new ConfigurationBuilder().AddJsonFile(Path.Combine(Root(), "deploy", "appsettings.json")).Build();

        Assert.That(ConfigurationValidator.Bind(example).Errors, Is.Empty);
        using (Assert.EnterMultipleScope())
        {
            foreach (ConfigurationKey key in ConfigurationSchema.Keys)
            {
                // Keys of a venue or a client setting, and those whose default is to be absent.
                if (key.Pattern.Contains('*', StringComparison.Ordinal) || key.Pattern == "Presence:Topics:ReplicationFactor")
                    continue;
                string? shown = example[key.Pattern];
                Assert.That(shown, Is.Not.Null, key.Pattern);
                if (key.Type == typeof(TimeSpan))
                    Assert.That(TimeSpan.Parse(shown!, null), Is.EqualTo(TimeSpan.Parse(key.Default, null)), key.Pattern);
                else
                    Assert.That(shown, Is.EqualTo(key.Default), key.Pattern);
            }
        }
    }

    private static string Root()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "presence.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the checkout.");
    }
}
