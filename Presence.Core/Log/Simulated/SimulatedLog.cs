namespace Presence.Core.Log.Simulated;

/// <summary>
/// The log as one simulated process sees it: its clients, with everything that lies between them and the cluster. A
/// process that dies takes its clients along; what they have sent is still on its way.
/// </summary>
public sealed class SimulatedLog : ILog
{
    private readonly SimulatedAdmin _admin;
    private readonly Dictionary<string, long> _heldUntil = [];

    /// <summary>For one process.</summary>
    public SimulatedLog(SimulatedCluster cluster)
    {
        Cluster = cluster;
        _admin = new SimulatedAdmin(this);
    }

    /// <inheritdoc/>
    public string Description => "simulated cluster";

    /// <inheritdoc/>
    public ILogAdmin Admin => _admin;

    public SimulatedCluster Cluster { get; }

    /// <summary>False once the process is dead.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Virtual time (µs) until which the process stands still.</summary>
    public long PausedUntil { get; set; }

    /// <summary>
    /// Called right before and after each call that changes something, with its name: may throw
    /// <see cref="SimulatedCrashException"/>.
    /// </summary>
    public Action<string>? OnCall { get; set; }

    /// <summary>The process reads nothing of a topic until then, virtual µs.</summary>
    public void HoldReads(string topic, long until) => _heldUntil[topic] = until;

    /// <summary>Until when it reads nothing of a topic, virtual µs; in the past where it reads.</summary>
    internal long HeldUntil(string topic) => _heldUntil.Count == 0 ? 0 : _heldUntil.GetValueOrDefault(topic);

    /// <summary>The process dies.</summary>
    public void Kill() => IsAlive = false;

    /// <inheritdoc/>
    public ILogConsumer CreateConsumer(string name, IsolationLevel isolation, FetchMode mode = FetchMode.Bulk) => new SimulatedConsumer(this, isolation);

    /// <inheritdoc/>
    public ITransactionalProducer CreateProducer(string transactionalId) => new SimulatedProducer(this, transactionalId);

    /// <inheritdoc/>
    public IGroupMembership CreateMembership(string group, string instanceId, string controlTopic) => new SimulatedMembership(this, group, instanceId);

    /// <inheritdoc/>
    public IRecordWriter CreateWriter() => new SimulatedWriter(this);

    /// <inheritdoc/>
    public void Dispose() => IsAlive = false;

    /// <summary>
    /// Sends a request to whoever leads <paramref name="resource"/>, again and again until it is answered.
    /// <paramref name="serve"/> may be called more than once: its answer TimedOut means that the server says "later", which
    /// is <paramref name="later"/>, or some milliseconds.
    /// </summary>
    internal SimulatedCall Send(string resource, Func<LogResult> serve, Action<LogResult>? done = null, Func<bool>? isWanted = null, TimeSpan? later = null)
    {
        SimulatedCall call = new(this, resource, serve, done, isWanted, later);
        call.Attempt();
        return call;
    }
}
