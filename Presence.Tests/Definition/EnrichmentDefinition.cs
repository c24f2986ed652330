namespace Presence.Tests.Definition;

/// <summary>A walk-in as enrichment reads it.</summary>
internal sealed record VisitFact(string Visit, string Device, string Business, long At);

/// <summary>A device's whole map: contact and login time by business; empty: nothing is left, as of its arrival.</summary>
internal sealed record MapFact(string Device, IReadOnlyDictionary<string, (string Contact, long At)> Businesses, long? Arrived = null)
{
    /// <summary>By which the runtime orders it: of an empty map the time of arrival.</summary>
    public long EventTime => Businesses.Count == 0 ? Arrived!.Value : Businesses.Values.Max(b => b.At);
}

/// <summary>
/// Which contact a walk-in gets, over the whole sequence in which walk-ins and maps were processed. The steps have
/// places, and what is known at a place follows from all the steps up to it: no state is carried along.
/// </summary>
internal static class EnrichmentDefinition
{
    private sealed record Login(string Contact, long At, int Place);

    /// <summary>Contact by visit, for those that get one. A step is a <see cref="VisitFact"/> or a <see cref="MapFact"/>.</summary>
    public static Dictionary<string, string> Of(IReadOnlyList<object> steps, long loginWait, long lateGrace)
    {
        Dictionary<string, string> all = [];
        for (int place = 0; place < steps.Count; place++)
        {
            if (steps[place] is not VisitFact visit || steps.Take(place).OfType<VisitFact>().Any(v => v.Visit == visit.Visit))
                continue;
            string? contact = Enumerable.Range(place, steps.Count - place)
                .Where(p => p == place || (steps[p] is MapFact && Clock(steps, p) <= visit.At + loginWait + lateGrace))
                .Select(p => Known(steps, p, visit.Device, visit.Business).Where(l => l.At <= visit.At + loginWait).MaxBy(l => l.At)?.Contact)
                .FirstOrDefault(c => c is not null);
            if (contact is not null)
                all[visit.Visit] = contact;
        }

        return all;
    }

    /// <summary>The clock when a step is processed: the slower of the two sequences; none before each has had a record.</summary>
    public static long Clock(IReadOnlyList<object> steps, int place)
    {
        List<object> until = [.. steps.Take(place + 1)];
        return Math.Min(
            until.OfType<VisitFact>().Select(v => v.At).DefaultIfEmpty(long.MinValue).Max(),
            until.OfType<MapFact>().SelectMany(m => m.Businesses.Values).Select(b => b.At).DefaultIfEmpty(long.MinValue).Max());
    }

    // Logins that a map has shown and no later one contradicts.
    private static IEnumerable<Login> Known(IReadOnlyList<object> steps, int place, string device, string business)
    {
        List<(MapFact Map, int Place)> maps = [.. steps.Take(place + 1).Select((s, i) => (s as MapFact, i)).Where(m => m.Item1?.Device == device).Select(m => (m.Item1!, m.i))];
        return maps
            .Where(m => m.Map.Businesses.ContainsKey(business))
            .Select(m => new Login(m.Map.Businesses[business].Contact, m.Map.Businesses[business].At, m.Place))
            .Where(l => maps.Where(m => m.Place > l.Place).All(m => m.Map.Businesses.TryGetValue(business, out var later) && (later.At > l.At || later == (l.Contact, l.At))));
    }
}
