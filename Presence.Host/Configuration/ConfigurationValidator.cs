using System.ComponentModel;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Presence.Core.Events;
using Presence.Core.Stages;
using Presence.Core.Stages.WalkIn;
using Presence.Host.Kafka;

namespace Presence.Host.Configuration;

/// <summary>
/// Checks a configuration whole: unknown keys, values that do not parse or are out of range, and rules between values.
/// All errors at once; each names the key, the value, and what is allowed.
/// </summary>
public static partial class ConfigurationValidator
{
    /// <summary>Binds. On errors the options are null.</summary>
    public static (PresenceOptions? Presence, KafkaOptions? Kafka, IReadOnlyList<string> Errors) Bind(IConfiguration configuration)
    {
        List<string> errors = [];
        HashSet<string> bad = new(StringComparer.OrdinalIgnoreCase);
        foreach (string section in new[] { "Presence", "Kafka" })
        {
            foreach ((string path, string? value) in configuration.GetSection(section).AsEnumerable())
            {
                if (value is not null && !CheckValue(path, value, errors))
                    bad.Add(path);
            }
        }

        // The rules look at what is left, so that all errors show at once.
        // An empty value stands for the default (an unset variable of a compose file, say).
        IConfiguration set = new ConfigurationBuilder()
            .AddInMemoryCollection(configuration.AsEnumerable().Where(e => IsSet(e.Key, e.Value) && !bad.Contains(e.Key)))
            .Build();
        PresenceOptions presence = new();
        set.GetSection("Presence").Bind(presence);
        KafkaOptions kafka = new();
        set.GetSection("Kafka").Bind(kafka);
        if (configuration["Presence:Stages"] is { Length: > 0 } list)
            presence.Stages = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        CheckRules(presence, kafka, bad, errors);
        return errors.Count > 0 ? (null, null, errors) : (presence, kafka, errors);
    }

    private static bool CheckValue(string path, string value, List<string> errors)
    {
        // A list may be given in one value: Presence__Stages=walk-in,walk-in-count.
        if (path.Equals("Presence:Stages", StringComparison.OrdinalIgnoreCase))
            return true;
        ConfigurationKey? key = ConfigurationSchema.Find(path);
        if (key is null)
        {
            // An empty list or section.
            if (value.Length == 0 && ConfigurationSchema.Keys.Any(k => k.Pattern.StartsWith(path + ":", StringComparison.OrdinalIgnoreCase)))
                return true;
            errors.Add($"{path}: no such key. Did you mean {Nearest(path, ConfigurationSchema.Keys.Select(k => k.Pattern))}?");
            return false;
        }

        if (value.Length == 0)
            return true;
        object? parsed;
        try
        {
            parsed = TypeDescriptor.GetConverter(key.Type).ConvertFromInvariantString(value);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            parsed = null;
        }

        string shown = Secrets.Mask(path, value);
        if (parsed is null || (key.Type.IsEnum && !Enum.IsDefined(key.Type, parsed)))
            errors.Add($"{path}: '{shown}' cannot be read. Allowed: {key.Range ?? key.Type.Name}{Guess(value, key)}.");
        else if (!key.Check(parsed))
            errors.Add($"{path}: '{shown}' is out of range. Allowed: {key.Range}.");
        else
            return true;
        return false;
    }

    /// <summary>Whether a value stands for itself; an empty one that is no text stands for the default.</summary>
    internal static bool IsSet(string path, string? value) => value is not null && (value.Length > 0 || IsText(path));

    private static bool IsText(string path) => ConfigurationSchema.Find(path)?.Type == typeof(string);

    private static string Guess(string value, ConfigurationKey key) =>
        key.Type.IsEnum ? $"; nearest: {Nearest(value, Enum.GetNames(key.Type))}" : "";

    private static void CheckRules(PresenceOptions o, KafkaOptions kafka, HashSet<string> bad, List<string> errors)
    {
        if (!Name().IsMatch(o.ApplicationId))
            errors.Add($"Presence:ApplicationId: '{o.ApplicationId}' cannot name groups and topics. Allowed: 1 to 100 letters, digits, '.', '_' and '-'.");
        if (o.InstanceId.Length > 0 && !Name().IsMatch(o.InstanceId))
            errors.Add($"Presence:InstanceId: '{o.InstanceId}' cannot name an instance. Allowed: 1 to 100 letters, digits, '.', '_' and '-'.");
        foreach (string stage in o.Stages.Where(s => !ServiceNames.All.Contains(s)))
            errors.Add($"Presence:Stages: '{stage}' is no stage. Allowed: {string.Join(", ", ServiceNames.All)}; nearest: {Nearest(stage, ServiceNames.All)}.");
        foreach (string stage in o.BadInput.Keys.Where(s => !ServiceNames.All.Contains(s)))
            errors.Add($"Presence:BadInput:{stage}: no such stage. Allowed: {string.Join(", ", ServiceNames.All)}; nearest: {Nearest(stage, ServiceNames.All)}.");
        if (o.StateDirectory.Length == 0)
            errors.Add("Presence:StateDirectory: '' names no directory. Allowed: a path this user can write.");
        if (o.HttpUrl.Length > 0 && !IsListenAddress(o.HttpUrl))
            errors.Add($"Presence:HttpUrl: '{o.HttpUrl}' is no address to listen on. Allowed: http://host:port (host: a name, an IP address, or + for all), or empty; TLS ends at a proxy.");
        CheckTopics(o, errors);
        CheckWalkIn(o, bad, errors);
        foreach ((string key, string value) in kafka.Client)
        {
            if (KafkaOwnedSettings.Reasons.TryGetValue(key, out string? reason))
                errors.Add($"Kafka:Client:{key}: '{Secrets.Mask(key, value)}' cannot be set: {reason}. Remove it.");
            else if (KafkaSettingCheck.Problem(key, value) is { } problem)
                errors.Add($"Kafka:Client:{key}: {Refused(key, value, problem)}. Allowed: the settings of librdkafka's CONFIGURATION.md.");
        }
    }

    // A setting nobody knows may be a mistyped password: its value is not shown either.
    private static string Refused(string key, string value, string problem) =>
        problem.StartsWith("No such", StringComparison.Ordinal) ? "the Kafka client has no such setting"
        : Secrets.IsSecret(key) ? "'***' is refused by the Kafka client"
        : $"'{value}' is refused by the Kafka client: {problem}";

    // + and * mean every address, as ASP.NET Core reads them; a URI knows neither.
    private static bool IsListenAddress(string text) =>
        Uri.TryCreate(text.Replace("//+", "//0.0.0.0", StringComparison.Ordinal).Replace("//*", "//0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out Uri? url)
        && url.Scheme == "http" && url.AbsolutePath == "/" && url.UserInfo.Length == 0 && url.Query.Length == 0;

    private static void CheckTopics(PresenceOptions o, List<string> errors)
    {
        List<(string Key, string Name)> names = [.. typeof(TopicNames).GetProperties().Select(p => (p.Name, (string)p.GetValue(o.Topics.Names())!))];
        foreach ((string key, string name) in names.Where(n => !TopicName().IsMatch(n.Name)))
            errors.Add($"Presence:Topics:{key}: '{name}' cannot name a topic. Allowed: 1 to 249 letters, digits, '.', '_' and '-'.");
        foreach (var same in names.GroupBy(n => n.Name).Where(g => g.Count() > 1))
            errors.Add($"Presence:Topics: '{same.Key}' is the name of {string.Join(" and ", same.Select(s => s.Key))}. Allowed: a name of its own for each.");
    }

    private static void CheckWalkIn(PresenceOptions o, HashSet<string> bad, List<string> errors)
    {
        CheckPair("Presence:WalkIn", bad, o.WalkIn.LateGrace, o.WalkIn.SessionGap, o.WalkIn.ExitRssi, o.WalkIn.EntryRssi, errors);
        HashSet<string> seen = [];
        for (int i = 0; i < o.Venues.Count; i++)
        {
            VenueOptions venue = o.Venues[i];
            string path = $"Presence:Venues:{i}";
            if (!Utf8Text.IsId(System.Text.Encoding.UTF8.GetBytes(venue.Business)))
                errors.Add($"{path}:Business: '{venue.Business}' is no id. Allowed: 1 to 200 bytes of printable text without '|' and white space.");
            if (!Utf8Text.IsId(System.Text.Encoding.UTF8.GetBytes(venue.Venue)))
                errors.Add($"{path}:Venue: '{venue.Venue}' is no id. Allowed: 1 to 200 bytes of printable text without '|' and white space.");
            if (!seen.Add($"{venue.Business}|{venue.Venue}"))
                errors.Add($"{path}: the venue {venue.Business}|{venue.Venue} is listed twice. Allowed: once.");
            foreach (string device in venue.ExcludedDevices.Where(d => !Utf8Text.IsId(System.Text.Encoding.UTF8.GetBytes(d))))
                errors.Add($"{path}:ExcludedDevices: '{device}' is no id. Allowed: 1 to 200 bytes of printable text without '|' and white space.");
            if (!TimeZoneInfo.TryFindSystemTimeZoneById(venue.TimeZone, out _))
                errors.Add($"{path}:TimeZone: '{venue.TimeZone}' is not known here. Allowed: IANA names, as Europe/Prague (package tzdata).");
            CheckPair(
                path,
                bad,
                venue.LateGrace ?? o.WalkIn.LateGrace,
                venue.SessionGap ?? o.WalkIn.SessionGap,
                venue.ExitRssi ?? o.WalkIn.ExitRssi,
                venue.EntryRssi ?? o.WalkIn.EntryRssi,
                errors);
        }
    }

    private static void CheckPair(string path, HashSet<string> bad, TimeSpan grace, TimeSpan gap, int exit, int entry, List<string> errors)
    {
        if (grace >= gap && !IsBad("LateGrace", "SessionGap"))
            errors.Add($"{path}:LateGrace: '{grace}' with SessionGap '{gap}'. Allowed: LateGrace less than SessionGap.");
        if (exit > entry && !IsBad("ExitRssi", "EntryRssi"))
            errors.Add($"{path}:ExitRssi: '{exit}' with EntryRssi '{entry}'. Allowed: ExitRssi at most EntryRssi.");

        // A value that was refused itself says nothing of its partner.
        bool IsBad(params string[] names) => Array.Exists(names, n => bad.Contains($"{path}:{n}") || bad.Contains($"Presence:WalkIn:{n}"));
    }

    /// <summary>The candidate with the smallest edit distance.</summary>
    public static string Nearest(string given, IEnumerable<string> candidates) =>
        candidates.MinBy(c => Distance(given.ToUpperInvariant(), c.ToUpperInvariant()))!;

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }

    [GeneratedRegex("^[A-Za-z0-9._-]{1,100}$")]
    private static partial Regex Name();

    [GeneratedRegex(@"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$")]
    private static partial Regex TopicName();
}
