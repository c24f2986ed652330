using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>
/// A record of <c>enriched-walk-ins</c>, key <c>business|contact</c>:
/// <c>{"visit","business","venue","contact","email","name"?,"device","at","firstSeen"}</c>.
/// </summary>
public sealed class EnrichedWalkInEvent
{
    public Utf8Text Visit { get; } = new();

    public Utf8Text Business { get; } = new();

    public Utf8Text Venue { get; } = new();

    public Utf8Text Contact { get; } = new();

    public Utf8Text Email { get; } = new();

    /// <summary>Empty when there is none.</summary>
    public Utf8Text Name { get; } = new();

    public Utf8Text Device { get; } = new();

    /// <summary>ms.</summary>
    public long At { get; private set; }

    /// <summary>ms.</summary>
    public long FirstSeen { get; private set; }

    /// <summary>Decodes a record into this instance, whose fields are undefined after a breach. Never throws.</summary>
    public Decoded Decode(in LogRecord record)
    {
        if (!record.HasKey)
            return Decoded.Bad(Breach.NoKey);
        if (!record.HasValue)
            return Decoded.Bad(Breach.NoValue);

        JsonFields fields = new(record.Value);
        Visit.Clear();
        Business.Clear();
        Venue.Clear();
        Contact.Clear();
        Email.Clear();
        Name.Clear();
        Device.Clear();
        long? at = null, firstSeen = null;
        while (fields.Next())
        {
            if (fields.NameIs("visit"u8))
                fields.Id("visit", Visit);
            else if (fields.NameIs("business"u8))
                fields.Id("business", Business);
            else if (fields.NameIs("contact"u8))
                fields.Id("contact", Contact);
            else if (fields.NameIs("venue"u8))
                fields.Id("venue", Venue);
            else if (fields.NameIs("device"u8))
                fields.Id("device", Device);
            else if (fields.NameIs("email"u8))
                fields.Text("email", Email);
            else if (fields.NameIs("name"u8))
                fields.OptionalText("name", Name);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else if (fields.NameIs("firstSeen"u8))
                firstSeen = fields.Time("firstSeen");
            else
                fields.Skip();
        }

        fields.Require("visit", Visit.Length > 0);
        fields.Require("business", Business.Length > 0);
        fields.Require("venue", Venue.Length > 0);
        fields.Require("contact", Contact.Length > 0);
        fields.Require("email", Email.Length > 0);
        fields.Require("device", Device.Length > 0);
        fields.Require("at", at is not null);
        fields.Require("firstSeen", firstSeen is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!RecordKeys.IsPair(record.Key, Business.Span, Contact.Span))
            return Decoded.Bad(Breach.KeyMismatch, "contact");

        At = at!.Value;
        FirstSeen = firstSeen!.Value;
        return Decoded.At(At);
    }
}
