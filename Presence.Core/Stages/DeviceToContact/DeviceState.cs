namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// The latest login of one device per business; that of a deleted contact stays as a mark, so that an older one does
/// not come back. Bounded by <see cref="BusinessesMax"/>.
/// <code>
/// version(1)=1 | businesses(2) | per business: business(text) contact(text) email(text) name(text) at(8) deleted(1)
/// </code>
/// </summary>
internal sealed class DeviceState
{
    /// <summary>Businesses kept per device; the one with the oldest login goes.</summary>
    public const int BusinessesMax = 1000;

    private const byte Version = 1;

    public sealed class Entry
    {
        public byte[] Business = [];
        public byte[] Contact = [];
        public byte[] Email = [];
        public byte[] Name = [];
        public long At;
        public bool Deleted;
    }

    public List<Entry> Entries { get; } = [];

    public static DeviceState Read(ReadOnlySpan<byte> value)
    {
        StateReader reader = new(value, Version);
        DeviceState state = new();
        int count = reader.Int16();
        for (int i = 0; i < count; i++)
            state.Entries.Add(new Entry { Business = reader.Text(), Contact = reader.Text(), Email = reader.Text(), Name = reader.Text(), At = reader.Int64(), Deleted = reader.Byte() != 0 });
        return state;
    }

    public void Write(StateWriter writer)
    {
        writer.Reset(Version);
        writer.Int16(Entries.Count);
        foreach (Entry entry in Entries)
        {
            writer.Text(entry.Business);
            writer.Text(entry.Contact);
            writer.Text(entry.Email);
            writer.Text(entry.Name);
            writer.Int64(entry.At);
            writer.Byte((byte)(entry.Deleted ? 1 : 0));
        }
    }
}
