using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>
/// A record of <c>crm-contacts</c>, key contact: <c>{"contact","email","name"?,"at"}</c>; null: the contact is deleted,
/// at the record's timestamp.
/// </summary>
public sealed class CrmContactEvent
{
    /// <summary>Longest e-mail address or name, bytes.</summary>
    public const int TextBytesMax = JsonFields.TextBytesMax;

    public Utf8Text Contact { get; } = new();

    public Utf8Text Email { get; } = new();

    /// <summary>Empty when there is none.</summary>
    public Utf8Text Name { get; } = new();

    /// <summary>Event time, ms.</summary>
    public long At { get; private set; }

    public bool Deleted { get; private set; }

    /// <summary>Decodes a record into this instance, whose fields are undefined after a breach. Never throws.</summary>
    public Decoded Decode(in LogRecord record)
    {
        if (!record.HasKey)
            return Decoded.Bad(Breach.NoKey);
        Deleted = !record.HasValue;
        if (Deleted)
        {
            Contact.Set(record.Key);
            if (!Contact.IsId())
                return Decoded.Bad(Breach.BadId, "contact");
            if (!EventTime.IsValid(record.Timestamp))
                return Decoded.Bad(Breach.TimeOutOfRange, "timestamp");
            At = record.Timestamp;
            return Decoded.At(At, movesClock: false);
        }

        JsonFields fields = new(record.Value);
        Contact.Clear();
        Email.Clear();
        Name.Clear();
        long? at = null;
        while (fields.Next())
        {
            if (fields.NameIs("contact"u8))
                fields.Id("contact", Contact);
            else if (fields.NameIs("email"u8))
                fields.Text("email", Email);
            else if (fields.NameIs("name"u8))
                fields.OptionalText("name", Name);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else
                fields.Skip();
        }

        fields.Require("contact", Contact.Length > 0);
        fields.Require("email", Email.Length > 0);
        fields.Require("at", at is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!record.Key.SequenceEqual(Contact.Span))
            return Decoded.Bad(Breach.KeyMismatch, "contact");
        At = at!.Value;
        return Decoded.At(At);
    }
}
