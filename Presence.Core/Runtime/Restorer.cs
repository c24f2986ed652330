using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Presence.Core.Log;
using Presence.Core.State;

namespace Presence.Core.Runtime;

/// <summary>
/// Takes tasks over, side by side, with a consumer of its own. Driven by <see cref="RunOnce"/>, which one thread calls;
/// other threads may enqueue and take results.
/// </summary>
public sealed class Restorer : ILogReceiver, IDisposable
{
    private const int PollRecordsMax = 20_000;

    private readonly ILog _log;
    private readonly InstanceOptions _options;
    private readonly IStateStoreProvider _stores;
    private readonly TimeProvider _time;
    private readonly RuntimeMetrics _metrics;
    private readonly ILogger _logger;
    private readonly ConcurrentQueue<TakeoverRequest> _requests = new();
    private readonly ConcurrentQueue<(StreamTask Task, int Worker)> _ready = new();
    private readonly List<Takeover?> _takeovers = [];
    private readonly HashSet<int> _reading = [];
    private readonly CancellationTokenSource _cancellation = new();
    private ILogConsumer? _consumer;
    private volatile IReadOnlyList<TaskStatus> _status = [];
    private long _progressAt;
    private bool _disposed;

    /// <summary>Nothing is opened before there is something to take over.</summary>
    public Restorer(ILog log, InstanceOptions options, IStateStoreProvider stores, TimeProvider time, RuntimeMetrics metrics, ILogger logger)
    {
        _log = log;
        _options = options;
        _stores = stores;
        _time = time;
        _metrics = metrics;
        _logger = logger;
        _progressAt = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    /// <summary>Takeovers under way or stopped.</summary>
    public IReadOnlyList<TaskStatus> Status => _status;

    /// <summary>Wall clock of its last step, ms.</summary>
    public long ProgressAt => Volatile.Read(ref _progressAt);

    /// <summary>Asks for a takeover.</summary>
    public void Enqueue(TakeoverRequest request) => _requests.Enqueue(request);

    /// <summary>A task that is ready for its worker.</summary>
    public bool TryTakeReady(out StreamTask task, out int worker)
    {
        bool taken = _ready.TryDequeue(out var ready);
        (task, worker) = ready;
        return taken;
    }

    /// <summary>One step; waits at most <paramref name="wait"/> for changelog records. Returns whether anything is under way.</summary>
    public bool RunOnce(TimeSpan wait)
    {
        Volatile.Write(ref _progressAt, _time.GetUtcNow().ToUnixTimeMilliseconds());
        while (_requests.TryDequeue(out TakeoverRequest? request))
            Begin(request);

        for (int slot = 0; slot < _takeovers.Count; slot++)
        {
            if (_takeovers[slot] is not { } takeover)
                continue;
            // Before the step too: one that begins anew must not go on with the old position.
            FollowReading(slot, takeover);
            takeover.Step(_cancellation.Token);
            FollowReading(slot, takeover);
            if (takeover.State == TakeoverState.Done)
            {
                _takeovers[slot] = null;
                _ready.Enqueue((takeover.Result!, takeover.Request.Worker));
            }
        }

        if (_reading.Count > 0)
            _consumer!.Poll(this, PollRecordsMax, wait);
        Publish();
        return _reading.Count > 0 || _takeovers.Exists(t => t is { State: not TakeoverState.Stopped });
    }

    void ILogReceiver.OnRecord(int slot, in LogRecord record) => _takeovers[slot]?.OnRecord(record);

    void ILogReceiver.OnEnd(int slot, long position, long highWatermark) => _takeovers[slot]?.OnEnd(position);

    void ILogReceiver.OnFault(int slot, LogFault fault, long offset, string detail) => _takeovers[slot]?.OnFault(fault, offset, detail);

    /// <inheritdoc/>
    public void Dispose()
    {
        // An instance that has stopped is disposed afterwards.
        if (_disposed)
            return;
        _disposed = true;
        _cancellation.Cancel();
        foreach (Takeover? takeover in _takeovers)
            takeover?.Dispose();
        while (_ready.TryDequeue(out var ready))
            ready.Task.Dispose();
        _consumer?.Dispose();
        _cancellation.Dispose();
    }

    private void Begin(TakeoverRequest request)
    {
        string group = $"{_options.ApplicationId}-{request.Definition.Service}";
        Takeover takeover = new(request, group, _log.Admin, _stores, _time, _metrics, _logger);
        int slot = _takeovers.FindIndex(t => t is null || (t.State == TakeoverState.Stopped && t.Request.Task == request.Task));
        if (slot < 0)
        {
            slot = _takeovers.Count;
            _takeovers.Add(null);
        }

        _takeovers[slot] = takeover;
    }

    // The consumer reads the changelogs of exactly those takeovers that replay.
    private void FollowReading(int slot, Takeover takeover)
    {
        bool replays = takeover.State == TakeoverState.Replaying;
        if (replays == _reading.Contains(slot))
            return;
        if (replays)
        {
            _consumer ??= _log.CreateConsumer($"{_options.ApplicationId}-{_options.InstanceId}-restore", IsolationLevel.ReadCommitted);
            _consumer.Add(takeover.Request.Topics.Changelog, slot, takeover.Position);
            _reading.Add(slot);
        }
        else
        {
            _consumer!.Remove(takeover.Request.Topics.Changelog);
            _reading.Remove(slot);
        }
    }

    private void Publish()
    {
        if (_takeovers.TrueForAll(t => t is null))
        {
            if (_status.Count > 0)
                _status = [];
            return;
        }

        List<TaskStatus> status = [];
        foreach (Takeover? takeover in _takeovers)
        {
            if (takeover is null)
                continue;
            TaskState state = takeover.State == TakeoverState.Stopped ? TaskState.Stopped : TaskState.Restoring;
            status.Add(new TaskStatus(takeover.Request.Task, "restoring", state, takeover.Request.Worker, takeover.Reason, -1, -1, null, takeover.Records, takeover.Remaining, 0, 0));
        }

        _status = status;
    }
}
