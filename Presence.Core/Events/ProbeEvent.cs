using System.Text.Json;
using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>
/// A record of <c>probes</c>, key device:
/// <c>{"device","business","venue","ap","rssi","at","randomized"?}</c>.
/// One instance is decoded into again and again.
/// </summary>
public sealed class ProbeEvent
{
    public Utf8Text Device { get; } = new();

    public Utf8Text Business { get; } = new();

    public Utf8Text Venue { get; } = new();

    public Utf8Text AccessPoint { get; } = new();

    /// <summary>dBm, -127 to 0.</summary>
    public int Rssi { get; private set; }

    /// <summary>Event time, ms.</summary>
    public long At { get; private set; }

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
        Device.Clear();
        Business.Clear();
        Venue.Clear();
        AccessPoint.Clear();
        Randomized = false;
        long? rssi = null, at = null;
        while (fields.Next())
        {
            if (fields.NameIs("device"u8))
                fields.Id("device", Device);
            else if (fields.NameIs("business"u8))
                fields.Id("business", Business);
            else if (fields.NameIs("venue"u8))
                fields.Id("venue", Venue);
            else if (fields.NameIs("ap"u8))
                fields.Id("ap", AccessPoint);
            else if (fields.NameIs("rssi"u8))
                rssi = fields.Integer("rssi", -127, 0);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else if (fields.NameIs("randomized"u8))
                Randomized = fields.Boolean("randomized");
            else
                fields.Skip();
        }

        fields.Require("device", Device.Length > 0);
        fields.Require("business", Business.Length > 0);
        fields.Require("venue", Venue.Length > 0);
        fields.Require("ap", AccessPoint.Length > 0);
        fields.Require("rssi", rssi is not null);
        fields.Require("at", at is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!record.Key.SequenceEqual(Device.Span))
            return Decoded.Bad(Breach.KeyMismatch, "device");

        Rssi = (int)rssi!.Value;
        At = at!.Value;
        return Decoded.At(At);
    }
}
