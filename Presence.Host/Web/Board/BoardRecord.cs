using Presence.Core.Events;

namespace Presence.Host.Web.Board;

/// <summary>
/// A value of any topic that the board reads: the fields it shows, null where they are not there. One instance is
/// decoded into again and again.
/// </summary>
internal sealed class BoardRecord
{
    private readonly Utf8Text _text = new();

    public string? Visit { get; private set; }

    public string? Device { get; private set; }

    public string? Business { get; private set; }

    public string? Venue { get; private set; }

    public string? Contact { get; private set; }

    public string? Email { get; private set; }

    public string? Name { get; private set; }

    /// <summary>ms.</summary>
    public long? At { get; private set; }

    /// <summary>ms.</summary>
    public long? FirstSeen { get; private set; }

    /// <summary>ms.</summary>
    public long? LastSeen { get; private set; }

    public long? Count { get; private set; }

    public bool Randomized { get; private set; }

    /// <summary>Decodes a value; false when it lacks what <paramref name="topic"/> must have. Never throws.</summary>
    public bool Decode(BoardTopic topic, ReadOnlySpan<byte> value)
    {
        Visit = Device = Business = Venue = Contact = Email = Name = null;
        At = FirstSeen = LastSeen = Count = null;
        Randomized = false;
        JsonFields fields = new(value);
        while (fields.Next())
        {
            if (fields.NameIs("visit"u8) || fields.NameIs("lastVisit"u8))
                Visit = Id(ref fields, "visit");
            else if (fields.NameIs("device"u8))
                Device = Id(ref fields, "device");
            else if (fields.NameIs("business"u8))
                Business = Id(ref fields, "business");
            else if (fields.NameIs("venue"u8))
                Venue = Id(ref fields, "venue");
            else if (fields.NameIs("contact"u8))
                Contact = Id(ref fields, "contact");
            else if (fields.NameIs("email"u8))
                Email = Text(ref fields, "email");
            else if (fields.NameIs("name"u8))
                Name = Text(ref fields, "name");
            else if (fields.NameIs("at"u8) || fields.NameIs("lastAt"u8))
                At = fields.Time("at");
            else if (fields.NameIs("firstSeen"u8))
                FirstSeen = fields.Time("firstSeen");
            else if (fields.NameIs("lastSeen"u8))
                LastSeen = fields.Time("lastSeen");
            else if (fields.NameIs("count"u8))
                Count = fields.Integer("count", 0, long.MaxValue);
            else if (fields.NameIs("randomized"u8))
                Randomized = fields.Boolean("randomized");
            else
                fields.Skip();
        }

        if (fields.Breach != Breach.None || Business is null)
            return false;
        if (topic == BoardTopic.WalkInCounts)
            return Contact is not null && Count is not null && At is not null;
        if (Visit is null || Device is null || Venue is null || FirstSeen is null)
            return false;
        return topic switch
        {
            BoardTopic.WalkIns => At is not null,
            BoardTopic.VisitsEnded => LastSeen is not null,
            _ => At is not null && Contact is not null,
        };
    }

    private string? Id(ref JsonFields fields, string name)
    {
        fields.Id(name, _text);
        return _text.Length > 0 ? _text.ToString() : null;
    }

    private string? Text(ref JsonFields fields, string name) =>
        fields.OptionalText(name, _text) && _text.Length > 0 ? _text.ToString() : null;
}
