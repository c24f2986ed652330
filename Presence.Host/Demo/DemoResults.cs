using System.Text.Json;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Host.Replay;

namespace Presence.Host.Demo;

/// <summary>Counts what the pipeline has made of the demo so far, off its output topics.</summary>
internal sealed class DemoResults : IDisposable
{
    private readonly Dictionary<string, long> _counts = [];
    private readonly TopicReader[] _readers;

    /// <summary>From the beginning of the topics.</summary>
    public DemoResults(ILog log, TopicNames topics, int partitions) => _readers =
    [
        new TopicReader(log, topics.WalkIns, partitions, _ => WalkIns++),
        new TopicReader(log, topics.EnrichedWalkIns, partitions, _ => Enriched++),
        new TopicReader(log, topics.WalkInCounts, partitions, TakeCount),
    ];

    public long WalkIns { get; private set; }

    public long Enriched { get; private set; }

    /// <summary>The sum of all contacts' counts.</summary>
    public long Counted { get; private set; }

    /// <summary>Reads what has come. Throws <see cref="LogException"/>.</summary>
    public void Update()
    {
        foreach (TopicReader reader in _readers)
        {
            while (reader.Poll(TimeSpan.Zero) > 0)
            {
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TopicReader reader in _readers)
            reader.Dispose();
    }

    private void TakeCount(byte[] value)
    {
        using JsonDocument json = JsonDocument.Parse(value);
        string key = $"{json.RootElement.GetProperty("business").GetString()}|{json.RootElement.GetProperty("contact").GetString()}";
        long count = json.RootElement.GetProperty("count").GetInt64();
        Counted += count - _counts.GetValueOrDefault(key);
        _counts[key] = count;
    }
}
