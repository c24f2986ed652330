namespace Presence.Host.Web.Board;

/// <summary>The walk-in count of a contact as it was read last; used again for another contact.</summary>
internal sealed class ContactCount
{
    private const int IdText = 0;
    private const int LastVisitText = 1;

    // business|contact and a visit's 32 digits.
    private readonly TextRow _texts = new(2, 64);

    /// <summary><c>business|contact</c>.</summary>
    public ReadOnlySpan<byte> Id => _texts[IdText];

    /// <summary>The visit it was counted with last; empty when that is not said.</summary>
    public ReadOnlySpan<byte> LastVisit => _texts[LastVisitText];

    public long Count { get; private set; }

    /// <summary>Event time, ms.</summary>
    public long LastAt { get; private set; }

    /// <summary>Becomes that of another contact.</summary>
    public void Begin(ReadOnlySpan<byte> id) => _texts.Set(IdText, id);

    /// <summary>Takes over what a record says of it.</summary>
    public void Set(BoardRecord record)
    {
        _texts.Set(LastVisitText, record.Visit.Span);
        Count = record.Count!.Value;
        LastAt = record.At!.Value;
    }
}
