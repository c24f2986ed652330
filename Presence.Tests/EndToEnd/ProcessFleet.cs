namespace Presence.Tests.EndToEnd;

/// <summary>Several real instances of one application, each with a state directory that outlives its processes.</summary>
internal sealed class ProcessFleet(Scenario scenario, int size, params string[] more) : IDisposable
{
    private const int KilledByTerm = 128 + 15;
    private readonly string[] _states = [.. Enumerable.Range(0, size).Select(_ => Directory.CreateTempSubdirectory("presence-state-").FullName)];
    private readonly PresenceProcess?[] _processes = new PresenceProcess?[size];
    private readonly List<string> _log = [];

    public int Size => size;

    /// <summary>The processes that are meant to run.</summary>
    public IReadOnlyList<PresenceProcess> Running => [.. _processes.OfType<PresenceProcess>()];

    /// <summary>What all processes have logged so far.</summary>
    public IEnumerable<string> Log => _log.Concat(Running.SelectMany(p => p.Log));

    public PresenceProcess this[int index] => _processes[index] ?? throw new InvalidOperationException($"instance {index} does not run");

    public void Start(int index) => _processes[index] = PresenceProcess.Start(scenario.Arguments(_states[index], ["--Presence:InstanceId", $"i{index}", "--Presence:Rack", index % 2 == 0 ? "east" : "west", .. more]));

    /// <summary>SIGKILL.</summary>
    public void Kill(int index) => End(index, p => p.Kill());

    /// <summary>SIGTERM; it must end cleanly.</summary>
    public void Stop(int index) => End(index, p =>
    {
        // One that has not said a word yet does not listen to signals either: that is a crash, and may be.
        if (p.Stop() is int code && code != 0 && !(code == KilledByTerm && p.Log.IsEmpty))
            throw new InvalidOperationException($"Presence did not end cleanly:\n{string.Join('\n', p.Log.TakeLast(40))}");
    });

    /// <summary>Its disk is gone; it must not run.</summary>
    public void Wipe(int index)
    {
        Directory.Delete(_states[index], recursive: true);
        Directory.CreateDirectory(_states[index]);
    }

    /// <summary>Forgets what was logged.</summary>
    public void ForgetLog() => _log.Clear();

    public void Dispose()
    {
        foreach (PresenceProcess process in Running)
            process.Dispose();
        foreach (string state in _states)
            Directory.Delete(state, recursive: true);
    }

    private void End(int index, Action<PresenceProcess> end)
    {
        using PresenceProcess process = this[index];
        _processes[index] = null;
        end(process);
        _log.AddRange(process.Log);
    }
}
