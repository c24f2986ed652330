using Presence.Core.Events;

namespace Presence.Host.Web.Board;

/// <summary>The counts of so many contacts; the one that was heard of first goes first. Guarded by the board's gate.</summary>
internal sealed class ContactCounts(int countsMax)
{
    private readonly IdSet<ContactCount> _counts = new(c => c.Id);
    private readonly Queue<ContactCount> _order = new();
    private readonly byte[] _id = new byte[RecordKeys.PairBytesMax];

    /// <summary>The count of a contact, or null.</summary>
    public ContactCount? Find(ReadOnlySpan<byte> business, ReadOnlySpan<byte> contact) => _counts.Find(RecordKeys.WritePair(_id, business, contact));

    /// <summary>Keeps the count in <paramref name="record"/>.</summary>
    public void Set(BoardRecord record)
    {
        ReadOnlySpan<byte> id = RecordKeys.WritePair(_id, record.Business.Span, record.Contact.Span);
        if (_counts.Find(id) is not { } count)
        {
            count = _counts.Count < countsMax ? new ContactCount() : Forget();
            count.Begin(id);
            _counts.Add(count);
            _order.Enqueue(count);
        }

        count.Set(record);
    }

    private ContactCount Forget()
    {
        ContactCount first = _order.Dequeue();
        _counts.Remove(first);
        return first;
    }
}
