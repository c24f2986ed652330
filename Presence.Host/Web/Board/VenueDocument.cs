namespace Presence.Host.Web.Board;

/// <summary>A venue as the API shows it; documented in docs/web.md.</summary>
/// <param name="Masked">Whether persons are masked.</param>
/// <param name="Clock">Event time, ms.</param>
internal sealed record VenueDocument(
    string Business,
    string Venue,
    string TimeZone,
    bool Masked,
    long Clock,
    VenueTotals Totals,
    IReadOnlyList<VenueHour> Hours,
    IReadOnlyList<VisitDocument> Present,
    IReadOnlyList<VisitDocument> Arrivals)
{
    /// <summary>For those who may not see persons.</summary>
    public VenueDocument Mask() => this with
    {
        Masked = true,
        Present = [.. Present.Select(v => v.Masked())],
        Arrivals = [.. Arrivals.Select(v => v.Masked())],
    };
}

/// <summary>Counts of a venue.</summary>
/// <param name="WalkIns">In the hours that are counted.</param>
/// <param name="DwellSeconds">The median of the last visits that ended; null before the first.</param>
internal sealed record VenueTotals(int Present, int PresentNew, int PresentReturning, int WalkIns, int New, int Returning, long? DwellSeconds);

/// <summary>An hour of a venue.</summary>
/// <param name="At">Its begin, event time, ms.</param>
internal sealed record VenueHour(long At, int WalkIns, int New, int Returning);

/// <summary>A venue in the list.</summary>
internal sealed record VenueSummary(string Business, string Venue, string TimeZone, long Clock, int Present, int WalkIns);

/// <summary>What <c>/api/venues</c> answers.</summary>
/// <param name="State">Of the board: <c>waiting</c> for topics, <c>reading</c> what was before, or <c>live</c>.</param>
internal sealed record VenuesDocument(string State, string? Reason, IReadOnlyList<VenueSummary> Venues);

/// <summary>A change, as an event: its visit, and the counts after it.</summary>
internal sealed record VisitChange(VisitDocument Visit);

/// <summary>Counts and clock, as an event.</summary>
internal sealed record TotalsChange(long Clock, VenueTotals Totals, IReadOnlyList<VenueHour> Hours);
