using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>A record of <c>walk-in-counts</c>, key <c>business|contact</c>: <c>{"business","contact","count","lastVisit","lastAt"}</c>.</summary>
public sealed class WalkInCountEvent
{
    public Utf8Text Business { get; } = new();

    public Utf8Text Contact { get; } = new();

    public Utf8Text LastVisit { get; } = new();

    /// <summary>Absolute, from 1.</summary>
    public long Count { get; private set; }

    /// <summary>ms.</summary>
    public long LastAt { get; private set; }

    /// <summary>Decodes a record into this instance, whose fields are undefined after a breach. Never throws.</summary>
    public Decoded Decode(in LogRecord record)
    {
        if (!record.HasKey)
            return Decoded.Bad(Breach.NoKey);
        if (!record.HasValue)
            return Decoded.Bad(Breach.NoValue);

        JsonFields fields = new(record.Value);
        Business.Clear();
        Contact.Clear();
        LastVisit.Clear();
        long? count = null, lastAt = null;
        while (fields.Next())
        {
            if (fields.NameIs("business"u8))
                fields.Id("business", Business);
            else if (fields.NameIs("contact"u8))
                fields.Id("contact", Contact);
            else if (fields.NameIs("count"u8))
                count = fields.Integer("count", 1, long.MaxValue);
            else if (fields.NameIs("lastVisit"u8))
                fields.Id("lastVisit", LastVisit);
            else if (fields.NameIs("lastAt"u8))
                lastAt = fields.Time("lastAt");
            else
                fields.Skip();
        }

        fields.Require("business", Business.Length > 0);
        fields.Require("contact", Contact.Length > 0);
        fields.Require("count", count is not null);
        fields.Require("lastVisit", LastVisit.Length > 0);
        fields.Require("lastAt", lastAt is not null);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!RecordKeys.IsPair(record.Key, Business.Span, Contact.Span))
            return Decoded.Bad(Breach.KeyMismatch, "contact");
        Count = count!.Value;
        LastAt = lastAt!.Value;
        return Decoded.At(LastAt);
    }
}
