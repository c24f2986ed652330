using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>
/// A record of <c>device-logins</c>, key device:
/// <c>{"device","business","venue","contact","email","name"?,"at","backfill"?,"deleted"?}</c>.
/// One instance is decoded into again and again.
/// </summary>
public sealed class DeviceLoginEvent
{
    public Utf8Text Device { get; } = new();

    public Utf8Text Business { get; } = new();

    public Utf8Text Venue { get; } = new();

    public Utf8Text Contact { get; } = new();

    public Utf8Text Email { get; } = new();

    /// <summary>Empty when there is none.</summary>
    public Utf8Text Name { get; } = new();

    /// <summary>Time of the login, ms.</summary>
    public long At { get; private set; }

    /// <summary>It became known by a backfill.</summary>
    public bool Backfill { get; private set; }

    /// <summary>Its contact was deleted.</summary>
    public bool Deleted { get; private set; }

    /// <summary>Decodes a record into this instance, whose fields are undefined after a breach. Never throws.</summary>
    public Decoded Decode(in LogRecord record)
    {
        if (!record.HasKey)
            return Decoded.Bad(Breach.NoKey);
        if (!record.HasValue)
            return Decoded.Bad(Breach.NoValue);

        JsonFields fields = new(record.Value);
        Device.Clear();
        Business.Clear();
        Venue.Clear();
        Contact.Clear();
        Email.Clear();
        Name.Clear();
        Backfill = Deleted = false;
        long? at = null;
        while (fields.Next())
        {
            if (fields.NameIs("device"u8))
                fields.Id("device", Device);
            else if (fields.NameIs("business"u8))
                fields.Id("business", Business);
            else if (fields.NameIs("venue"u8))
                fields.Id("venue", Venue);
            else if (fields.NameIs("contact"u8))
                fields.Id("contact", Contact);
            else if (fields.NameIs("email"u8))
                fields.Text("email", Email);
            else if (fields.NameIs("name"u8))
                fields.OptionalText("name", Name);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else if (fields.NameIs("backfill"u8))
                Backfill = fields.Boolean("backfill");
            else if (fields.NameIs("deleted"u8))
                Deleted = fields.Boolean("deleted");
            else
                fields.Skip();
        }

        fields.Require("device", Device.Length > 0);
        fields.Require("business", Business.Length > 0);
        fields.Require("venue", Venue.Length > 0);
        fields.Require("contact", Contact.Length > 0);
        fields.Require("email", Email.Length > 0);
        fields.Require("at", at is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!record.Key.SequenceEqual(Device.Span))
            return Decoded.Bad(Breach.KeyMismatch, "device");
        At = at!.Value;
        return Decoded.At(At, movesClock: false);
    }
}
