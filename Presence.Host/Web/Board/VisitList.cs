namespace Presence.Host.Web.Board;

/// <summary>
/// Visits by one of their times, earliest first, and by key where it is the same. A sorted array: a few hundred visits
/// move up in less time than a tree's node takes, and no node is left to the garbage collector. What a visit is sorted
/// by must not change while it is in.
/// </summary>
internal sealed class VisitList(Func<Visit, long> time)
{
    private readonly List<Visit> _visits = [];
    private readonly Comparer<Visit> _order = Comparer<Visit>.Create((a, b) =>
    {
        int order = time(a).CompareTo(time(b));
        return order != 0 ? order : a.Key.CompareTo(b.Key);
    });

    public int Count => _visits.Count;

    public IReadOnlyList<Visit> Items => _visits;

    public Visit? Earliest => _visits.Count > 0 ? _visits[0] : null;

    public bool Contains(Visit visit) => Find(visit) >= 0;

    /// <summary>Puts a visit in its place, where it may be already.</summary>
    public void Add(Visit visit)
    {
        int index = Find(visit);
        if (index < 0)
            _visits.Insert(~index, visit);
    }

    /// <summary>Takes a visit out, if it is in.</summary>
    public void Remove(Visit visit)
    {
        int index = Find(visit);
        if (index >= 0)
            _visits.RemoveAt(index);
    }

    /// <summary>Takes the earliest out; null when it is empty.</summary>
    public Visit? TakeEarliest()
    {
        Visit? earliest = Earliest;
        if (earliest is not null)
            _visits.RemoveAt(0);
        return earliest;
    }

    public void Clear() => _visits.Clear();

    private int Find(Visit visit) => _visits.BinarySearch(visit, _order);
}
