using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>A record of <c>crm-logins</c>, key contact: <c>{"contact","device","business","venue","at"}</c>.</summary>
public sealed class CrmLoginEvent
{
    public Utf8Text Contact { get; } = new();

    public Utf8Text Device { get; } = new();

    public Utf8Text Business { get; } = new();

    public Utf8Text Venue { get; } = new();

    /// <summary>Event time, ms.</summary>
    public long At { get; private set; }

    /// <summary>Decodes a record into this instance, whose fields are undefined after a breach. Never throws.</summary>
    public Decoded Decode(in LogRecord record)
    {
        if (!record.HasKey)
            return Decoded.Bad(Breach.NoKey);
        if (!record.HasValue)
            return Decoded.Bad(Breach.NoValue);

        JsonFields fields = new(record.Value);
        Contact.Clear();
        Device.Clear();
        Business.Clear();
        Venue.Clear();
        long? at = null;
        while (fields.Next())
        {
            if (fields.NameIs("contact"u8))
                fields.Id("contact", Contact);
            else if (fields.NameIs("device"u8))
                fields.Id("device", Device);
            else if (fields.NameIs("business"u8))
                fields.Id("business", Business);
            else if (fields.NameIs("venue"u8))
                fields.Id("venue", Venue);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else
                fields.Skip();
        }

        fields.Require("contact", Contact.Length > 0);
        fields.Require("device", Device.Length > 0);
        fields.Require("business", Business.Length > 0);
        fields.Require("venue", Venue.Length > 0);
        fields.Require("at", at is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!record.Key.SequenceEqual(Contact.Span))
            return Decoded.Bad(Breach.KeyMismatch, "contact");
        At = at!.Value;
        return Decoded.At(At);
    }
}
