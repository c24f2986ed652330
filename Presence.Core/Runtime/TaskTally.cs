using Presence.Core.Stages;

namespace Presence.Core.Runtime;

/// <summary>What the records of one transaction of a task counted; told once that is committed. Owned by one thread.</summary>
internal sealed class TaskTally(StageDefinition definition)
{
    private readonly long[] _counters = new long[definition.Counters.Count];
    private readonly Dictionary<string, long> _badReasons = [];
    private long _processed;

    /// <summary>A record was processed.</summary>
    public void Processed() => _processed++;

    /// <summary>The stage counted something, by the counter's index.</summary>
    public void Counted(int counter) => _counters[counter]++;

    /// <summary>A bad record, or a range of them, was put aside or passed over.</summary>
    public void Bad(string reason) => _badReasons[reason] = _badReasons.GetValueOrDefault(reason) + 1;

    /// <summary>Tells the metrics, and begins anew.</summary>
    public void Report(RuntimeMetrics metrics, BadInputPolicy policy)
    {
        metrics.Processed(definition.Name, _processed);
        for (int i = 0; i < _counters.Length; i++)
        {
            if (_counters[i] != 0)
                metrics.StageCounted(definition.Name, definition.Counters[i], _counters[i]);
        }

        foreach ((string reason, long count) in _badReasons)
        {
            if (policy == BadInputPolicy.Skip)
                metrics.Skipped(definition.Name, reason, count);
            else
                metrics.DeadLettered(definition.Name, reason, count);
        }

        Clear();
    }

    /// <summary>Forgets what an aborted transaction did.</summary>
    public void Clear()
    {
        _processed = 0;
        Array.Clear(_counters);
        _badReasons.Clear();
    }
}
