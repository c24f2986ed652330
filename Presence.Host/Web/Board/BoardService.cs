using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Host.Web.Board;

/// <summary>
/// Drives the board on a thread of its own. The board is a view: when it fails it begins anew a while later, and the
/// pipeline knows nothing of it.
/// </summary>
internal sealed class BoardService(Board board, ILog log, TopicNames topics, BoardOptions options, TimeProvider time, ILogger<BoardService> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(5);

    private readonly ManualResetEventSlim _stop = new();
    private volatile BoardReader? _reader;
    private volatile string? _failure;
    private Thread? _thread;

    /// <summary>Of the board: <c>waiting</c>, <c>reading</c> or <c>live</c>.</summary>
    public string State => _failure is null ? _reader?.State ?? "waiting" : "waiting";

    /// <summary>What it waits for or cannot read; null when all is well.</summary>
    public string? Reason => _failure ?? _reader?.Reason;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _thread = new Thread(Run) { Name = "presence-board", IsBackground = true };
        _thread.Start();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _stop.Set();
        if (_thread is not null)
            await Task.Run(_thread.Join, CancellationToken.None);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Set();
        _thread?.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        while (!_stop.IsSet)
        {
            try
            {
                using BoardReader reader = new(board, log, topics, options, time);
                _reader = reader;
                while (!_stop.IsSet)
                {
                    reader.RunOnce(Wait);
                    _failure = null;
                }
            }
#pragma warning disable CA1031 // The board must not end the host, whatever it meets.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (_stop.IsSet)
                    return;
                _failure = $"it begins anew, because {e.Message}";
                logger.BoardFailed(RestartPause, e);
                _stop.Wait(RestartPause);
            }
        }
    }
}
