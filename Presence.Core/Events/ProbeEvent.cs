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
    private const int RssiMin = -127;
    private const int RssiMax = 0;

    [Flags]
    private enum Fields
    {
        None = 0,
        Device = 1,
        Business = 2,
        Venue = 4,
        AccessPoint = 8,
        Rssi = 16,
        At = 32,
        Randomized = 64,
        All = 127,
    }

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
        return IsPlain(record) ? Decoded.At(At) : DecodeAny(record);
    }

    // Nearly all probes, in a fraction of the time. False: nothing is said about the record yet.
    internal bool IsPlain(in LogRecord record)
    {
        PlainJson json = new(record.Value);
        Fields seen = Fields.None;
        Randomized = false;
        while (json.Next(out ReadOnlySpan<byte> name))
        {
            Fields field = Take(ref json, name);
            if (field == Fields.None || (seen & field) != 0)
                return false;
            seen |= field;
        }

        return (seen | Fields.Randomized) == Fields.All && json.IsAtEnd && record.Key.SequenceEqual(Device.Span);
    }

    private Fields Take(ref PlainJson json, ReadOnlySpan<byte> name)
    {
        switch (name.Length)
        {
            case 2 when name.SequenceEqual("at"u8) && json.TryInteger(out long at) && at is >= EventTime.Min and <= EventTime.Max:
                At = at;
                return Fields.At;
            case 2 when name.SequenceEqual("ap"u8) && json.TryId(out ReadOnlySpan<byte> accessPoint):
                AccessPoint.Set(accessPoint);
                return Fields.AccessPoint;
            case 4 when name.SequenceEqual("rssi"u8) && json.TryInteger(out long rssi) && rssi is >= RssiMin and <= RssiMax:
                Rssi = (int)rssi;
                return Fields.Rssi;
            case 5 when name.SequenceEqual("venue"u8) && json.TryId(out ReadOnlySpan<byte> venue):
                Venue.Set(venue);
                return Fields.Venue;
            case 6 when name.SequenceEqual("device"u8) && json.TryId(out ReadOnlySpan<byte> device):
                Device.Set(device);
                return Fields.Device;
            case 8 when name.SequenceEqual("business"u8) && json.TryId(out ReadOnlySpan<byte> business):
                Business.Set(business);
                return Fields.Business;
            case 10 when name.SequenceEqual("randomized"u8) && json.TryBoolean(out bool randomized):
                Randomized = randomized;
                return Fields.Randomized;
            default:
                return Fields.None;
        }
    }

    internal Decoded DecodeAny(in LogRecord record)
    {
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
                rssi = fields.Integer("rssi", RssiMin, RssiMax);
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
