using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>
/// Ends incarnations by initialising their transactional ids, a bounded number side by side: that aborts what they left
/// open, and from then on they cannot commit. Stepped by one thread.
/// </summary>
internal sealed class FencingRound(ILog log, string application) : IDisposable
{
    private const int AtOnceMax = 32;

    private readonly Dictionary<string, int> _left = [];
    private readonly Queue<(string Incarnation, string Id)> _waiting = new();
    private readonly List<(string Incarnation, ITransactionalProducer Producer)> _running = [];

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
        while (_running.Count < AtOnceMax && _waiting.TryDequeue(out var next))
            _running.Add((next.Incarnation, log.CreateProducer(next.Id)));
        Waiting = null;
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            LogResult result = _running[i].Producer.Init(TimeSpan.Zero);
            if (result.Status is LogStatus.TimedOut or LogStatus.Abortable)
            {
                Waiting = $"{_running.Count + _waiting.Count} transactional ids of ended incarnations to be fenced: {result.Reason}";
                continue;
            }

            // Ok, or fatal: somebody else fenced it at the same moment.
            _running[i].Producer.Dispose();
            if (_left.TryGetValue(_running[i].Incarnation, out int left))
                _left[_running[i].Incarnation] = left - 1;
            _running.RemoveAt(i);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, producer) in _running)
            producer.Dispose();
    }
}
