namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// One contact and its logins, the latest per device and business; bounded by <see cref="LoginsMax"/>. One instance is
/// loaded again and again.
/// <code>
/// version(1)=1 | status(1) at(8) email(text) name(text) | logins(2) | per login: device(text) business(text) venue(text) at(8) backfill(1)
/// </code>
/// status: 0 unknown, 1 known, 2 deleted; e-mail and name are empty unless it is known. text: length(2) UTF-8.
/// </summary>
internal sealed class ContactState
{
    /// <summary>Logins kept per contact; the oldest goes.</summary>
    public const int LoginsMax = 1000;

    private const byte Version = 1;

    private readonly List<Login> _logins = [];

    public enum Standing : byte
    {
        Unknown,
        Known,
        Deleted,
    }

    public readonly record struct Login(TextRange Device, TextRange Business, TextRange Venue, long At, bool Backfill);

    public StateTexts Texts { get; } = new();

    public Standing Status { get; set; }

    public long At { get; set; }

    public TextRange Email { get; set; }

    /// <summary>Empty when there is none.</summary>
    public TextRange Name { get; set; }

    public List<Login> Logins => _logins;

    /// <summary>The login kept for a device and business; -1 when there is none.</summary>
    public int Find(ReadOnlySpan<byte> device, ReadOnlySpan<byte> business)
    {
        for (int i = 0; i < _logins.Count; i++)
        {
            if (Texts.Is(_logins[i].Device, device) && Texts.Is(_logins[i].Business, business))
                return i;
        }

        return -1;
    }

    /// <summary>Adds a login; returns whether the oldest one went for it.</summary>
    public bool Add(in Login login)
    {
        _logins.Add(login);
        if (_logins.Count <= LoginsMax)
            return false;
        int oldest = 0;
        for (int i = 1; i < _logins.Count; i++)
        {
            if (_logins[i].At < _logins[oldest].At)
                oldest = i;
        }

        _logins.RemoveAt(oldest);
        return true;
    }

    /// <summary>Takes a stored value; empty: nothing is known.</summary>
    public void Load(ReadOnlySpan<byte> value)
    {
        Texts.Load(value);
        _logins.Clear();
        if (value.IsEmpty)
        {
            Status = Standing.Unknown;
            At = 0;
            Email = Name = default;
            return;
        }

        StateReader reader = new(value, Version);
        Status = (Standing)reader.Byte();
        At = reader.Int64();
        Email = reader.Text();
        Name = reader.Text();
        int logins = reader.Int16();
        for (int i = 0; i < logins; i++)
            _logins.Add(new Login(reader.Text(), reader.Text(), reader.Text(), reader.Int64(), reader.Byte() != 0));
    }

    public void Write(StateWriter writer)
    {
        writer.Reset(Version);
        writer.Byte((byte)Status);
        writer.Int64(At);
        writer.Text(Texts[Email]);
        writer.Text(Texts[Name]);
        writer.Int16(_logins.Count);
        foreach (Login login in _logins)
        {
            writer.Text(Texts[login.Device]);
            writer.Text(Texts[login.Business]);
            writer.Text(Texts[login.Venue]);
            writer.Int64(login.At);
            writer.Byte((byte)(login.Backfill ? 1 : 0));
        }
    }
}
