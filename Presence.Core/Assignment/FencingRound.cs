using Microsoft.Extensions.Logging;
using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>
/// Ends incarnations by initialising their transactional ids, a bounded number side by side: that aborts what they left
/// open, and from then on they cannot commit. Stepped by one thread.
/// Who asks for an id with an open transaction makes the coordinator abort that, and is answered only when he asks again:
/// the client does so after half a second. So another client asks meanwhile; whichever is answered, the id is fenced. What
/// it is bounded by are ids whose clients are still there: both are waited for. Who is refused (access is denied) has fenced
/// nobody, and his client is finished: a new one asks after a while, for as long as it takes.
/// </summary>
internal sealed class FencingRound(ILog log, string application, TimeProvider time, ILogger logger) : IDisposable
{
    private const int AtOnceMax = 16;
    private static readonly TimeSpan SecondAfter = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefusedLogInterval = TimeSpan.FromSeconds(10);

    private sealed class Asked(string incarnation, string id, ITransactionalProducer first, long at)
    {
        public string Incarnation => incarnation;

        public string Id => id;

        public ITransactionalProducer? First { get; set; } = first;

        public ITransactionalProducer? Second { get; set; }

        /// <summary>When it was asked for first, or refused last; and how long after that another client asks.</summary>
        public long At { get; set; } = at;

        public TimeSpan AnotherAfter { get; set; } = SecondAfter;

        public string? Reason { get; set; }

        public bool IsFenced { get; set; }
    }

    private readonly Dictionary<string, int> _left = [];
    private readonly Queue<(string Incarnation, string Id)> _waiting = new();
    private readonly List<Asked> _running = [];
    private long? _refusalLoggedAt;

    /// <summary>What it waits for; null when it has nothing to do.</summary>
    public string? Waiting { get; private set; }

    /// <summary>Whether an incarnation is being fenced or has been.</summary>
    public bool Knows(string incarnation) => _left.ContainsKey(incarnation);

    /// <summary>Whether all its ids have been initialised.</summary>
    public bool IsDone(string incarnation) => _left.TryGetValue(incarnation, out int left) && left == 0;

    /// <summary>Begins with one more.</summary>
    public void Add(Incarnation incarnation)
    {
        _left[incarnation.Id] = incarnation.Workers;
        for (int worker = 0; worker < incarnation.Workers; worker++)
            _waiting.Enqueue((incarnation.Id, incarnation.TransactionalId(application, worker)));
    }

    /// <summary>Forgets one that is done with.</summary>
    public void Forget(string incarnation) => _left.Remove(incarnation);

    /// <summary>Goes on.</summary>
    public void Step()
    {
        while (_running.Count < AtOnceMax && _waiting.TryPeek(out var next))
        {
            _running.Add(new Asked(next.Incarnation, next.Id, log.CreateProducer(next.Id), time.GetTimestamp()));
            _waiting.Dequeue();
        }

        Waiting = null;
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            Asked asked = _running[i];
            asked.First = Ask(asked, asked.First);
            if (!asked.IsFenced && time.GetElapsedTime(asked.At) >= asked.AnotherAfter)
                asked.Second ??= log.CreateProducer(asked.Id);
            asked.Second = Ask(asked, asked.Second);
            if (!asked.IsFenced)
                Waiting = $"{_running.Count(a => !a.IsFenced) + _waiting.Count} transactional ids of ended incarnations to be fenced: {asked.Reason}";
            else if (asked is { First: null, Second: null })
                _running.RemoveAt(i);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Asked asked in _running)
        {
            asked.First?.Dispose();
            asked.Second?.Dispose();
        }
    }

    // Returns the client while it is to be waited for.
    private ITransactionalProducer? Ask(Asked asked, ITransactionalProducer? client)
    {
        if (client is null)
            return null;
        LogResult result = client.Init(TimeSpan.Zero);
        if (!result.IsOk)
            asked.Reason = result.Reason;
        if (result.Status is LogStatus.TimedOut or LogStatus.Abortable)
            return client;
        client.Dispose();
        // Fenced by somebody else at the same moment: its earlier user is fenced as well.
        if (result.IsOk || result.IsFenced)
            Done(asked);
        else
            PutOff(asked);
        return null;
    }

    private void Done(Asked asked)
    {
        if (!asked.IsFenced && _left.TryGetValue(asked.Incarnation, out int left))
            _left[asked.Incarnation] = left - 1;
        asked.IsFenced = true;
    }

    private void PutOff(Asked asked)
    {
        asked.At = time.GetTimestamp();
        asked.AnotherAfter = RefusedPause;
        if (asked.IsFenced || (_refusalLoggedAt is { } at && time.GetElapsedTime(at) < RefusedLogInterval))
            return;
        _refusalLoggedAt = asked.At;
        logger.FencingRefused(asked.Id, asked.Incarnation, asked.Reason ?? "no reason was given");
    }
}
