using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Presence.Core.Stages.WalkIn;
using Presence.Host.Kafka;

namespace Presence.Host.Configuration;

/// <summary>All keys, read off the options classes: what exists there can be set, nothing else.</summary>
public static class ConfigurationSchema
{
    /// <summary>Every key, sections in the order of their classes.</summary>
    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
        [.. Of("Presence", typeof(PresenceOptions), new PresenceOptions()), .. Of("Kafka", typeof(KafkaOptions), new KafkaOptions())];

    /// <summary>The key a path belongs to; null when there is none.</summary>
    public static ConfigurationKey? Find(string path)
    {
        foreach (ConfigurationKey key in Keys)
        {
            if (Matches(key.Pattern, path))
                return key;
        }

        return null;
    }

    private static bool Matches(string pattern, string path)
    {
        // Names of client settings contain dots, never colons.
        string[] wanted = pattern.Split(':'), given = path.Split(':');
        if (wanted.Length != given.Length)
            return false;
        for (int i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] != "*" && !string.Equals(wanted[i], given[i], StringComparison.OrdinalIgnoreCase))
                return false;
        }

        return true;
    }

    private static IEnumerable<ConfigurationKey> Of(string path, Type type, object? defaults)
    {
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            string key = $"{path}:{property.Name}";
            object? value = defaults is null ? null : property.GetValue(defaults);
            if (IsLeaf(property.PropertyType))
            {
                yield return Leaf(key, property, value);
            }
            else if (Element(property.PropertyType) is { } element)
            {
                if (IsLeaf(element))
                    yield return new ConfigurationKey($"{key}:*", element, RangeOf(element, null), _ => true, "");
                else
                    foreach (ConfigurationKey nested in Of($"{key}:*", element, Activator.CreateInstance(element)))
                        yield return nested;
            }
            else
            {
                foreach (ConfigurationKey nested in Of(key, property.PropertyType, value))
                    yield return nested;
            }
        }
    }

    private static ConfigurationKey Leaf(string key, PropertyInfo property, object? value)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        RangeAttribute? range = property.GetCustomAttribute<RangeAttribute>();
        // What a venue overrides has the range of what it overrides.
        if (property.DeclaringType == typeof(VenueOptions))
            range = typeof(WalkInOptions).GetProperty(property.Name)?.GetCustomAttribute<RangeAttribute>();
        return new ConfigurationKey(key, type, RangeOf(type, range), v => range is null || range.IsValid(v), Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
    }

    private static string? RangeOf(Type type, RangeAttribute? range) =>
        range is not null ? $"{range.Minimum} to {range.Maximum}"
        : type.IsEnum ? string.Join(", ", Enum.GetNames(type))
        : type == typeof(bool) ? "true or false"
        : type == typeof(TimeSpan) ? "a time span, as 00:01:30"
        : type == typeof(int) ? "a whole number"
        : null;

    private static bool IsLeaf(Type type) =>
        TypeDescriptor.GetConverter(Nullable.GetUnderlyingType(type) ?? type) is var converter && converter.CanConvertFrom(typeof(string)) && (type == typeof(string) || !typeof(IEnumerable).IsAssignableFrom(type));

    private static Type? Element(Type type)
    {
        if (!type.IsGenericType || !typeof(IEnumerable).IsAssignableFrom(type))
            return null;
        return type.GetGenericArguments()[^1];
    }
}
