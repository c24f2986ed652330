using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Presence.Host.Web.Board;

/// <summary>
/// A venue's changes as server-sent events: a <c>snapshot</c> first, then changes with <c>totals</c> after them, and
/// totals alone as a sign of life. Whoever cannot follow gets a snapshot instead of what was lost.
/// </summary>
internal sealed class BoardEvents(Board board, EventClock clock, TimeProvider time)
{
    /// <summary>Changes are sent at most this often.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);

    /// <summary>Snapshots in place of lost changes are sent at most this often.</summary>
    private static readonly TimeSpan SnapshotPace = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(5);

    /// <summary>Sends until the caller goes, the host stops, or the venue is no longer known.</summary>
    public async Task Send(HttpResponse response, string business, string venue, BoardListener listener, bool masked, CancellationToken cancellation)
    {
        response.ContentType = "text/event-stream";
        response.Headers["X-Accel-Buffering"] = "no";
        bool snapshot = true;
        while (!cancellation.IsCancellationRequested)
        {
            if (snapshot && !await Snapshot(response, business, venue, listener, masked, cancellation))
                return;
            while (!snapshot && listener.TryTake(out BoardChange change))
                await Write(response, change.Kind, new VisitChange(masked ? change.Visit.Masked() : change.Visit), WebJson.Default.VisitChange, cancellation);
            if (board.Totals(business, venue, clock.Now) is not { } totals)
                return;
            await Write(response, "totals", totals, WebJson.Default.TotalsChange, cancellation);
            await response.Body.FlushAsync(cancellation);

            await Task.Delay(snapshot ? SnapshotPace : Pace, time, cancellation);
            using CancellationTokenSource quiet = new(SignOfLife, time);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellation);
            await listener.Wait(either.Token);
            snapshot = listener.TakeLost();
        }
    }

    private async Task<bool> Snapshot(HttpResponse response, string business, string venue, BoardListener listener, bool masked, CancellationToken cancellation)
    {
        // What waits is older than the snapshot, or comes again in it: each change carries its whole visit.
        while (listener.TryTake(out _))
        {
        }

        if (board.Describe(business, venue, clock.Now) is not { } document)
            return false;
        await Write(response, "snapshot", masked ? document.Mask() : document, WebJson.Default.VenueDocument, cancellation);
        return true;
    }

    // JSON has no line breaks outside its escapes, so one data line holds it.
    private static async Task Write<T>(HttpResponse response, string name, T value, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        byte[] data = JsonSerializer.SerializeToUtf8Bytes(value, type);
        await response.WriteAsync($"event: {name}\ndata: ", cancellation);
        await response.Body.WriteAsync(data, cancellation);
        await response.WriteAsync("\n\n", cancellation);
    }
}
