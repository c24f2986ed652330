using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>
/// A record of <c>enriched-walk-ins</c>, key <c>business|contact</c>:
/// <c>{"visit","business","venue","contact","email","name"?,"device","at","firstSeen"}</c>; decoded as far as counting
/// needs it.
/// </summary>
public sealed class EnrichedWalkInEvent
{
    public Utf8Text Visit { get; } = new();

    public Utf8Text Business { get; } = new();

    public Utf8Text Contact { get; } = new();

    private readonly Utf8Text _other = new();

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
        Contact.Clear();
        bool venue = false, email = false, device = false;
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
                venue = Other(ref fields, "venue");
            else if (fields.NameIs("device"u8))
                device = Other(ref fields, "device");
            else if (fields.NameIs("email"u8))
                email = fields.Text("email", _other);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else if (fields.NameIs("firstSeen"u8))
                firstSeen = fields.Time("firstSeen");
            else
                fields.Skip();
        }

        fields.Require("visit", Visit.Length > 0);
        fields.Require("business", Business.Length > 0);
        fields.Require("venue", venue);
        fields.Require("contact", Contact.Length > 0);
        fields.Require("email", email);
        fields.Require("device", device);
        fields.Require("at", at is not null);
        fields.Require("firstSeen", firstSeen is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (record.Key.Length != Business.Length + 1 + Contact.Length
            || !record.Key.StartsWith(Business.Span)
            || record.Key[Business.Length] != (byte)'|'
            || !record.Key.EndsWith(Contact.Span))
        {
            return Decoded.Bad(Breach.KeyMismatch, "contact");
        }

        At = at!.Value;
        FirstSeen = firstSeen!.Value;
        return Decoded.At(At);
    }

    private bool Other(ref JsonFields fields, string field)
    {
        fields.Id(field, _other);
        return _other.Length > 0;
    }
}
