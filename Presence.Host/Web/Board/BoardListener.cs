using System.Threading.Channels;

namespace Presence.Host.Web.Board;

/// <summary>A change of a venue on its way to a listener.</summary>
/// <param name="Kind"><c>walk-in</c>, <c>visit</c> (more is known), <c>ended</c> or <c>gone</c> (forgotten).</param>
internal readonly record struct BoardChange(string Kind, VisitDocument Visit);

/// <summary>
/// One listener to a venue. Changes wait in a bounded queue; when it is full the oldest goes, and the listener needs a
/// snapshot: it must not hold up the board.
/// </summary>
internal sealed class BoardListener
{
    private readonly Channel<BoardChange> _changes;
    private int _lost;

    /// <summary>With room for <paramref name="pendingMax"/> changes.</summary>
    public BoardListener(int pendingMax) =>
        _changes = Channel.CreateBounded<BoardChange>(
            new BoundedChannelOptions(pendingMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = false },
            _ => Volatile.Write(ref _lost, 1));

    /// <summary>Never waits.</summary>
    public void Tell(BoardChange change) => _changes.Writer.TryWrite(change);

    /// <summary>Something waits; false when nothing came before the end of <paramref name="cancellation"/>.</summary>
    public async Task<bool> Wait(CancellationToken cancellation)
    {
        try
        {
            return await _changes.Reader.WaitToReadAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The next change that waits.</summary>
    public bool TryTake(out BoardChange change) => _changes.Reader.TryRead(out change);

    /// <summary>Whether changes were lost since it was last asked.</summary>
    public bool TakeLost() => Interlocked.Exchange(ref _lost, 0) == 1;
}
