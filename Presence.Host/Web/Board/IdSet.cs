namespace Presence.Host.Web.Board;

/// <summary>
/// Things that are found by the bytes of their id, which they hold themselves: no key is made to keep or to find one.
/// An id must not change while its thing is in the set.
/// </summary>
internal sealed class IdSet<T>(Func<T, ReadOnlySpan<byte>> id)
    where T : class
{
    private readonly HashSet<T> _items = new(new ById(id));

    public int Count => _items.Count;

    public IEnumerable<T> Items => _items;

    /// <summary>The one with this id, or null.</summary>
    public T? Find(ReadOnlySpan<byte> id) => _items.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out T? item) ? item : null;

    public void Add(T item) => _items.Add(item);

    public void Remove(T item) => _items.Remove(item);

    private sealed class ById(Func<T, ReadOnlySpan<byte>> id) : IEqualityComparer<T>, IAlternateEqualityComparer<ReadOnlySpan<byte>, T>
    {
        public bool Equals(T? x, T? y) => ReferenceEquals(x, y) || (x is not null && y is not null && id(x).SequenceEqual(id(y)));

        public int GetHashCode(T obj) => GetHashCode(id(obj));

        public bool Equals(ReadOnlySpan<byte> alternate, T other) => alternate.SequenceEqual(id(other));

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            HashCode hash = default;
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public T Create(ReadOnlySpan<byte> alternate) => throw new NotSupportedException("An id alone makes none.");
    }
}
