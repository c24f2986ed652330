using Presence.Core.Log;

namespace Presence.Core.Events;

/// <summary>
/// A record of <c>device-to-contact</c>, key device:
/// <c>{"device","businesses":{"&lt;business&gt;":{"contact","email","name"?,"at"}}}</c>; null: nothing is left.
/// Its event time is the latest of its logins.
/// </summary>
public sealed class DeviceToContactEvent
{
    /// <summary>Businesses that a record may name.</summary>
    public const int BusinessesMax = 1000;

    private readonly List<Mapping> _pool = [];

    public Utf8Text Device { get; } = new();

    /// <summary>Businesses in the map; their data by <see cref="this[int]"/>.</summary>
    public int Count { get; private set; }

    /// <summary>One business's contact.</summary>
    public Mapping this[int index] => _pool[index];

    /// <summary>Decodes a record into this instance, whose fields are undefined after a breach. Never throws.</summary>
    public Decoded Decode(in LogRecord record)
    {
        if (!record.HasKey)
            return Decoded.Bad(Breach.NoKey);
        Count = 0;
        if (!record.HasValue)
        {
            Device.Set(record.Key);
            if (!Device.IsId())
                return Decoded.Bad(Breach.BadId, "device");
            return EventTime.IsValid(record.Timestamp) ? Decoded.At(record.Timestamp, movesClock: false) : Decoded.Bad(Breach.TimeOutOfRange, "timestamp");
        }

        JsonFields fields = new(record.Value);
        Device.Clear();
        bool businesses = false;
        while (fields.Next())
        {
            if (fields.NameIs("device"u8))
            {
                fields.Id("device", Device);
            }
            else if (fields.NameIs("businesses"u8))
            {
                Count = 0;
                businesses = fields.Enter("businesses");
                while (businesses && fields.Next())
                    DecodeMapping(ref fields);
            }
            else
            {
                fields.Skip();
            }
        }

        fields.Require("device", Device.Length > 0);
        fields.Require("businesses", businesses);
        if (fields.Breach != Breach.None)
            return Decoded.Bad(fields.Breach, fields.Field);
        if (!record.Key.SequenceEqual(Device.Span))
            return Decoded.Bad(Breach.KeyMismatch, "device");
        long latest = EventTime.Min;
        for (int i = 0; i < Count; i++)
            latest = Math.Max(latest, _pool[i].At);
        return Decoded.At(latest);
    }

    private void DecodeMapping(ref JsonFields fields)
    {
        if (Count == BusinessesMax)
        {
            fields.Fail(Breach.TooMany, "businesses");
            return;
        }

        if (Count == _pool.Count)
            _pool.Add(new Mapping());
        Mapping mapping = _pool[Count];
        mapping.Clear();
        if (!fields.Name(mapping.Business))
            return;
        if (!mapping.Business.IsId())
        {
            fields.Fail(Breach.BadId, "business");
            return;
        }

        // Twice the same business: the last one counts, as with any field.
        for (int i = 0; i < Count; i++)
        {
            if (!_pool[i].Business.Span.SequenceEqual(mapping.Business.Span))
                continue;
            Mapping earlier = _pool[i];
            _pool[i] = _pool[Count - 1];
            _pool[Count - 1] = mapping;
            _pool[Count] = earlier;
            Count--;
            break;
        }

        if (!fields.Enter("businesses"))
            return;
        long? at = null;
        while (fields.Next())
        {
            if (fields.NameIs("contact"u8))
                fields.Id("contact", mapping.Contact);
            else if (fields.NameIs("email"u8))
                fields.Text("email", mapping.Email);
            else if (fields.NameIs("name"u8))
                fields.OptionalText("name", mapping.Name);
            else if (fields.NameIs("at"u8))
                at = fields.Time("at");
            else
                fields.Skip();
        }

        fields.Require("contact", mapping.Contact.Length > 0);
        fields.Require("email", mapping.Email.Length > 0);
        fields.Require("at", at is not null);
        mapping.At = at ?? 0;
        Count++;
    }

    /// <summary>A device's contact at one business.</summary>
    public sealed class Mapping
    {
        public Utf8Text Business { get; } = new();

        public Utf8Text Contact { get; } = new();

        public Utf8Text Email { get; } = new();

        /// <summary>Empty when there is none.</summary>
        public Utf8Text Name { get; } = new();

        /// <summary>Time of the login, ms.</summary>
        public long At { get; internal set; }

        internal void Clear()
        {
            Business.Clear();
            Contact.Clear();
            Email.Clear();
            Name.Clear();
            At = 0;
        }
    }
}
