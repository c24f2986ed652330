namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// The logins of one device: per business and contact the latest, those of deleted contacts left out. One instance is
/// loaded again and again. Bounded by <see cref="ContactsMax"/>, <see cref="BusinessesMax"/> and
/// <see cref="BytesMax"/>; what is oldest goes.
/// <code>
/// version(1)=1 | entries(2) | per entry: business(text) contact(text) email(text) name(text) at(8)
/// </code>
/// Entries are in the order of business, then at, then arrival: the last one of a business is its contact.
/// </summary>
internal sealed class DeviceState
{
    /// <summary>Businesses kept per device: as many as a record of the topic may name.</summary>
    public const int BusinessesMax = Events.DeviceToContactEvent.BusinessesMax;

    /// <summary>Contacts kept per device and business.</summary>
    public const int ContactsMax = 10;

    /// <summary>Size of the stored value, so that it and the record made of it stay well below the log's limit of 1 MiB.</summary>
    public const int BytesMax = 400_000;

    private const byte Version = 1;

    private readonly List<Entry> _entries = [];

    public readonly record struct Entry(TextRange Business, TextRange Contact, TextRange Email, TextRange Name, long At)
    {
        public int Bytes => 16 + Business.Length + Contact.Length + Email.Length + Name.Length;
    }

    public StateTexts Texts { get; } = new();

    public IReadOnlyList<Entry> Entries => _entries;

    /// <summary>Whether an entry is its business's contact.</summary>
    public bool IsLatest(int index) => index == _entries.Count - 1 || Texts[_entries[index + 1].Business].SequenceCompareTo(Texts[_entries[index].Business]) != 0;

    /// <summary>The entry of a business and contact; -1 when there is none.</summary>
    public int Find(ReadOnlySpan<byte> business, ReadOnlySpan<byte> contact)
    {
        for (int i = 0; i < _entries.Count; i++)
        {
            if (Texts.Is(_entries[i].Business, business) && Texts.Is(_entries[i].Contact, contact))
                return i;
        }

        return -1;
    }

    public void Remove(int index) => _entries.RemoveAt(index);

    /// <summary>Puts another e-mail and name in the place of those of an entry.</summary>
    public void Rename(int index, ReadOnlySpan<byte> email, ReadOnlySpan<byte> name) =>
        _entries[index] = _entries[index] with { Email = Texts.Add(email), Name = Texts.Add(name) };

    /// <summary>Adds an entry; returns its index.</summary>
    public int Insert(in Entry entry)
    {
        int index = 0;
        while (index < _entries.Count)
        {
            int order = Texts[_entries[index].Business].SequenceCompareTo(Texts[entry.Business]);
            if (order > 0 || (order == 0 && _entries[index].At > entry.At))
                break;
            index++;
        }

        _entries.Insert(index, entry);
        return index;
    }

    /// <summary>The entry that has to go since there are too many; -1 when there are not.</summary>
    public int Excess()
    {
        int bytes = 3, businesses = 0, ofBusiness = 0, oldest = 0;
        for (int i = 0; i < _entries.Count; i++)
        {
            bytes += _entries[i].Bytes;
            ofBusiness++;
            if (_entries[i].At < _entries[oldest].At)
                oldest = i;
            if (!IsLatest(i))
                continue;
            if (ofBusiness > ContactsMax)
                return i + 1 - ofBusiness;
            ofBusiness = 0;
            businesses++;
        }

        return businesses > BusinessesMax || bytes > BytesMax ? oldest : -1;
    }

    /// <summary>Takes a stored value; empty: nothing is known.</summary>
    public void Load(ReadOnlySpan<byte> value)
    {
        Texts.Load(value);
        _entries.Clear();
        if (value.IsEmpty)
            return;
        StateReader reader = new(value, Version);
        int count = reader.Int16();
        for (int i = 0; i < count; i++)
            _entries.Add(new Entry(reader.Text(), reader.Text(), reader.Text(), reader.Text(), reader.Int64()));
    }

    public void Write(StateWriter writer)
    {
        writer.Reset(Version);
        writer.Int16(_entries.Count);
        foreach (Entry entry in _entries)
        {
            writer.Text(Texts[entry.Business]);
            writer.Text(Texts[entry.Contact]);
            writer.Text(Texts[entry.Email]);
            writer.Text(Texts[entry.Name]);
            writer.Int64(entry.At);
        }
    }
}
