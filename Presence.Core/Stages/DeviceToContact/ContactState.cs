namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// One contact and its logins, the latest per device and business; bounded by <see cref="LoginsMax"/>.
/// <code>
/// version(1)=1 | status(1) at(8) email(text) name(text) | logins(2) | per login: device(text) business(text) venue(text) at(8) backfill(1)
/// </code>
/// status: 0 unknown, 1 known, 2 deleted. text: length(2) UTF-8.
/// </summary>
internal sealed class ContactState
{
    /// <summary>Logins kept per contact; the oldest goes.</summary>
    public const int LoginsMax = 1000;

    private const byte Version = 1;

    public enum Standing : byte
    {
        Unknown,
        Known,
        Deleted,
    }

    public sealed class Login
    {
        public byte[] Device = [];
        public byte[] Business = [];
        public byte[] Venue = [];
        public long At;
        public bool Backfill;
    }

    public Standing Status { get; set; }

    public long At { get; set; }

    public byte[] Email { get; set; } = [];

    public byte[] Name { get; set; } = [];

    public List<Login> Logins { get; } = [];

    public static ContactState Read(ReadOnlySpan<byte> value)
    {
        StateReader reader = new(value, Version);
        ContactState state = new() { Status = (Standing)reader.Byte(), At = reader.Int64(), Email = reader.Text(), Name = reader.Text() };
        int logins = reader.Int16();
        for (int i = 0; i < logins; i++)
            state.Logins.Add(new Login { Device = reader.Text(), Business = reader.Text(), Venue = reader.Text(), At = reader.Int64(), Backfill = reader.Byte() != 0 });
        return state;
    }

    public void Write(StateWriter writer)
    {
        writer.Reset(Version);
        writer.Byte((byte)Status);
        writer.Int64(At);
        writer.Text(Email);
        writer.Text(Name);
        writer.Int16(Logins.Count);
        foreach (Login login in Logins)
        {
            writer.Text(login.Device);
            writer.Text(login.Business);
            writer.Text(login.Venue);
            writer.Int64(login.At);
            writer.Byte((byte)(login.Backfill ? 1 : 0));
        }
    }
}
