using Presence.Core.Events;

namespace Presence.Host.Web.Board;

/// <summary>
/// A value of any topic that the board reads: the fields it shows, empty or null where they are not there. One instance
/// is decoded into again and again, and makes no strings: most of what it reads is known already.
/// </summary>
internal sealed class BoardRecord
{
    public Utf8Text Visit { get; } = new();

    public Utf8Text Device { get; } = new();

    public Utf8Text Business { get; } = new();

    public Utf8Text Venue { get; } = new();

    public Utf8Text Contact { get; } = new();

    public Utf8Text Email { get; } = new();

    public Utf8Text Name { get; } = new();

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
        Clear();
        JsonFields fields = new(value);
        while (fields.Next())
        {
            if (fields.NameIs("visit"u8) || fields.NameIs("lastVisit"u8))
                fields.Id("visit", Visit);
            else if (fields.NameIs("device"u8))
                fields.Id("device", Device);
            else if (fields.NameIs("business"u8))
                fields.Id("business", Business);
            else if (fields.NameIs("venue"u8))
                fields.Id("venue", Venue);
            else if (fields.NameIs("contact"u8))
                fields.Id("contact", Contact);
            else if (fields.NameIs("email"u8))
                fields.OptionalText("email", Email);
            else if (fields.NameIs("name"u8))
                fields.OptionalText("name", Name);
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

        if (fields.Breach != Breach.None || Business.Length == 0)
            return false;
        if (topic == BoardTopic.WalkInCounts)
            return Contact.Length > 0 && Count is not null && At is not null;
        if (Visit.Length == 0 || Device.Length == 0 || Venue.Length == 0 || FirstSeen is null)
            return false;
        return topic switch
        {
            BoardTopic.WalkIns => At is not null,
            BoardTopic.VisitsEnded => LastSeen is not null,
            _ => At is not null && Contact.Length > 0,
        };
    }

    private void Clear()
    {
        Visit.Clear();
        Device.Clear();
        Business.Clear();
        Venue.Clear();
        Contact.Clear();
        Email.Clear();
        Name.Clear();
        At = FirstSeen = LastSeen = Count = null;
        Randomized = false;
    }
}
