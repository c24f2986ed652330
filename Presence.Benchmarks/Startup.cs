using System.Text.Json;

namespace Presence.Benchmarks;

/// <summary>
/// The phases of a process' start, in seconds from the moment it was started, read from its log. What it does not say is
/// left out.
/// </summary>
internal sealed class Startup
{
    private static readonly (int Id, bool Last, string Name)[] Known =
    [
        (103, false, "host is up"),
        (1, false, "incarnation begins"),
        (3, false, "is the planner"),
        (9, true, "plan with its tasks is read"),
        (20, false, "first replay begins"),
        (21, true, "last replay ends"),
        (10, true, "last task runs"),
    ];

    private readonly Dictionary<int, double> _at = [];

    private Startup()
    {
    }

    /// <summary>Changelog records replayed.</summary>
    public long Restored { get; private set; }

    /// <summary>Their bytes.</summary>
    public long RestoredBytes { get; private set; }

    /// <summary>Seconds between the beginning of the first replay and the end of the last one.</summary>
    public double RestoreSeconds => _at.TryGetValue(20, out double from) && _at.TryGetValue(21, out double to) ? to - from : 0;

    /// <summary>Replayed per second meanwhile.</summary>
    public double RestoredPerSecond => RestoreSeconds > 0 ? Restored / RestoreSeconds : 0;

    /// <summary>When the last task of those that run so far began to.</summary>
    public double LastTaskRuns => _at.GetValueOrDefault(10);

    /// <summary>In their order.</summary>
    public IEnumerable<(string Name, double Seconds)> Phases => Known.Where(k => _at.ContainsKey(k.Id)).Select(k => (k.Name, _at[k.Id]));

    /// <summary>Of the present process of an instance, as far as it is.</summary>
    public static Startup Of(PresenceProcess presence)
    {
        Startup startup = new();
        foreach (string line in presence.LogLines().Where(l => l.StartsWith('{') && l.EndsWith('}')))
        {
            using JsonDocument entry = JsonDocument.Parse(line);
            startup.Add(entry.RootElement, presence.StartedAt);
        }

        return startup;
    }

    private void Add(JsonElement entry, DateTimeOffset startedAt)
    {
        int id = entry.GetProperty("EventId").GetInt32();
        int known = Array.FindIndex(Known, k => k.Id == id);
        JsonElement state = entry.GetProperty("State");
        // A plan without tasks for this instance is none it waited for.
        if (known < 0 || (id == 9 && state.GetProperty("Active").GetInt32() == 0))
            return;
        if (Known[known].Last || !_at.ContainsKey(id))
            _at[id] = (entry.GetProperty("Timestamp").GetDateTimeOffset() - startedAt).TotalSeconds;
        if (id == 21)
        {
            Restored += state.GetProperty("Records").GetInt64();
            RestoredBytes += state.GetProperty("Bytes").GetInt64();
        }
    }
}
