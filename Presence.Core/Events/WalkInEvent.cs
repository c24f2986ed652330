using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>A record of <c>walk-ins</c>, key device: <c>{"visit","device","business","venue","at","firstSeen","rssi","randomized"?}</c>.</summary>
public sealed class WalkInEvent
{
    public Utf8Text Visit { get; } = new();

    public Utf8Text Device { get; } = new();

    public Utf8Text Business { get; } = new();

    public Utf8Text Venue { get; } = new();

    /// <summary>Event time at which the device counted as walked in, ms.</summary>
    public long At { get; private set; }

    /// <summary>ms.</summary>
    public long FirstSeen { get; private set; }

    /// <summary>dBm, -127 to 0; 0 for a login.</summary>
    public int Rssi { get; private set; }

    /// <summary>The address was locally administered.</summary>
    public bool Randomized { get; private set; }

    /// <summary>Decodes a record into this instance, whose fields are undefined after a breach. Never throws.</summary>
    public Decoded Decode(in LogRecord record)
    {
        if (!record.HasKey)
            return Decoded.Bad(Breach.NoKey);
        if (!record.HasValue)
            return Decoded.Bad(Breach.NoValue);

        JsonFields fields = new(record.Value);
        Visit.Clear();
        Device.Clear();
        Business.Clear();
        Venue.Clear();
        Randomized = false;
        long? at = null, firstSeen = null, rssi = null;
        while (fields.Next())
        {
            if (fields.NameIs("visit"u8))
                fields.Id("visit", Visit);
            else if (fields.NameIs("device"u8))
                fields.Id("device", Device);
            else if (fields.NameIs("business"u8))
                fields.Id("business", Business);
            else if (fields.NameIs("venue"u8))
                fields.Id("venue", Venue);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else if (fields.NameIs("firstSeen"u8))
                firstSeen = fields.Time("firstSeen");
            else if (fields.NameIs("rssi"u8))
                rssi = fields.Integer("rssi", -127, 0);
            else if (fields.NameIs("randomized"u8))
                Randomized = fields.Boolean("randomized");
            else
                fields.Skip();
        }

        fields.Require("visit", Visit.Length > 0);
        fields.Require("device", Device.Length > 0);
        fields.Require("business", Business.Length > 0);
        fields.Require("venue", Venue.Length > 0);
        fields.Require("at", at is not null);
        fields.Require("firstSeen", firstSeen is not null);
        fields.Require("rssi", rssi is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!record.Key.SequenceEqual(Device.Span))
            return Decoded.Bad(Breach.KeyMismatch, "device");
        At = at!.Value;
        FirstSeen = firstSeen!.Value;
        Rssi = (int)rssi!.Value;
        return Decoded.At(At);
    }
}
