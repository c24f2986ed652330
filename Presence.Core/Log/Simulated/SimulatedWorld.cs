namespace Presence.Core.Log.Simulated;

/// <summary>
/// Virtual time, everything that is still to happen in it, and the one source of chance: two worlds of one seed that are
/// driven alike go alike, to the last byte of their <see cref="Hash"/>. One thread.
/// </summary>
public sealed class SimulatedWorld
{
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Random _random;
    private long _order;

    /// <summary>At virtual time 0.</summary>
    public SimulatedWorld(int seed)
    {
        Seed = seed;
        _random = new Random(seed);
        Faults = new SimulatedFaults(this);
    }

    public int Seed { get; }

    /// <summary>Virtual time since the beginning, µs.</summary>
    public long Now { get; private set; }

    /// <summary>What goes wrong, and how often it did.</summary>
    public SimulatedFaults Faults { get; }

    /// <summary>Of all that was noted so far.</summary>
    public ulong Hash { get; private set; } = 14695981039346656037;

    /// <summary>Takes the notes in words; null for none.</summary>
    public Action<string>? Trace { get; set; }

    /// <summary>Below <paramref name="below"/>, from 0.</summary>
    public int Next(int below) => _random.Next(below);

    /// <summary>A span between two bounds, in ms, that is mostly near the lower one.</summary>
    public TimeSpan Span(double fromMs, double toMs)
    {
        double skewed = _random.NextDouble();
        return TimeSpan.FromMilliseconds(fromMs + ((toMs - fromMs) * skewed * skewed));
    }

    /// <summary>True with a probability.</summary>
    public bool Chance(double probability) => _random.NextDouble() < probability;

    /// <summary>Something that happens later.</summary>
    public void After(TimeSpan delay, Action happens) => _events.Enqueue(happens, (Now + (long)delay.TotalMicroseconds, _order++));

    /// <summary>Lets the next thing happen; false when it lies past <paramref name="until"/> (µs), where time then stands.</summary>
    public bool RunNext(long until)
    {
        if (!_events.TryPeek(out _, out (long At, long Order) key) || key.At > until)
        {
            Now = until;
            return false;
        }

        Action next = _events.Dequeue();
        Now = key.At;
        next();
        return true;
    }

    /// <summary>Notes what happened: for the hash, and in words where somebody listens.</summary>
    public void Note(string what, long a = 0, long b = 0)
    {
        ulong hash = Hash;
        foreach (char c in what)
            hash = (hash ^ c) * 1099511628211;
        hash = (hash ^ (ulong)a) * 1099511628211;
        hash = (hash ^ (ulong)b) * 1099511628211;
        Hash = (hash ^ (ulong)Now) * 1099511628211;
        Trace?.Invoke($"{Now / 1e6,11:0.000000} {what} {a} {b}");
    }
}
