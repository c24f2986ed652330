using Presence.Core.Log;

namespace Presence.Core.Assignment;

/// <summary>
/// Says again and again how this incarnation is. Driven by <see cref="RunOnce"/> on a thread of its own, so that nothing
/// that stands still elsewhere silences it; <see cref="Announce"/> may be called by another thread.
/// </summary>
public sealed class Heartbeat : IDisposable
{
    private const int InFlightMax = 4;

    private readonly IRecordWriter _writer;
    private readonly string _topic;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly TimeSpan _stuckAfter;
    private readonly List<Task> _inFlight = [];
    private readonly CancellationTokenSource _cancellation = new();
    private readonly AutoResetEvent _news = new(false);
    private Announcement? _announcement;
    private Announcement? _sent;
    private long _sentAt;
    private long _beats;
    private long _progressAt;

    /// <summary>
    /// Beats each <paramref name="interval"/>, and falls silent when <see cref="NoteProgress"/> was not called for
    /// <paramref name="stuckAfter"/>.
    /// </summary>
    public Heartbeat(ILog log, string application, TimeProvider time, TimeSpan interval, TimeSpan stuckAfter)
    {
        _writer = log.CreateWriter();
        _topic = ControlTopics.FleetOf(application);
        _time = time;
        _interval = interval;
        _stuckAfter = stuckAfter;
        _progressAt = time.GetTimestamp();
    }

    /// <summary>What is said from now on; a change that others wait for is said at once. Null: nothing.</summary>
    public void Announce(Announcement? announcement, bool atOnce)
    {
        Volatile.Write(ref _announcement, announcement);
        if (!atOnce)
            return;
        _urgent = true;
        _news.Set();
    }

    private volatile bool _urgent;

    /// <summary>The control loop lives.</summary>
    public void NoteProgress() => Volatile.Write(ref _progressAt, _time.GetTimestamp());

    /// <summary>Whether the log has taken the last word of <paramref name="announcement"/>.</summary>
    public bool HasSaid(Announcement announcement) => ReferenceEquals(Volatile.Read(ref _taken), announcement);

    private Announcement? _taken;

    /// <summary>Between two steps: waits for something to say at once, for at most <paramref name="limit"/>.</summary>
    public void WaitForNews(TimeSpan limit) => _news.WaitOne(limit);

    /// <summary>One step; never waits.</summary>
    public void RunOnce()
    {
        for (int i = _inFlight.Count - 1; i >= 0; i--)
        {
            if (!_inFlight[i].IsCompleted)
                continue;
            // A beat that was lost is made up for by the next one.
            _ = _inFlight[i].Exception;
            _inFlight.RemoveAt(i);
        }

        if (Volatile.Read(ref _announcement) is not { } announcement || _inFlight.Count >= InFlightMax)
            return;
        bool isDue = _time.GetElapsedTime(_sentAt) >= _interval || (_urgent && !ReferenceEquals(announcement, _sent));
        if (!isDue || _time.GetElapsedTime(Volatile.Read(ref _progressAt)) > _stuckAfter)
            return;
        _urgent = false;
        _sent = announcement;
        _sentAt = _time.GetTimestamp();
        Announcement beat = announcement with { Sequence = ++_beats };
        Task append = _writer.Append([new ProducedRecord(_topic, beat.Key(), beat.Value(), _time.GetUtcNow().ToUnixTimeMilliseconds())], _cancellation.Token);
        _inFlight.Add(append.ContinueWith(
            done =>
            {
                if (done.IsCompletedSuccessfully)
                    Volatile.Write(ref _taken, announcement);
                _ = done.Exception;
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cancellation.Cancel();
        _writer.Dispose();
        _news.Dispose();
        _cancellation.Dispose();
    }
}
