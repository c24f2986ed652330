using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// Joins logins with their contacts: whichever side changes, the joined logins are emitted anew, by device. Last write
/// wins by event time, so that backfills run beside the live topics; an equal time replaces. A login that is older than
/// the one kept for its device and business is emitted, as it may be a sighting, and not kept.
/// </summary>
public sealed class ContactLoginsStage : IStage
{
    private const int Contacts = 0;
    private const int ContactsBackfill = 1;
    private const int LoginsBackfill = 3;

    private readonly CrmContactEvent[] _contacts = [new(), new()];
    private readonly CrmLoginEvent[] _logins = [new(), new()];
    private readonly JsonValueWriter _json = new();
    private readonly StateWriter _writer = new();

    /// <summary>The stage for the runtime.</summary>
    public static StageDefinition Define(TopicNames topics) => new()
    {
        Name = "device-to-contact-logins",
        Service = ServiceNames.DeviceToContact,
        Inputs = [topics.CrmContacts, topics.CrmContactsBackfill, topics.CrmLogins, topics.CrmLoginsBackfill],
        ClockInputs = [0, 2],
        Outputs = [topics.DeviceLogins],
        Counters = ["outdated"],
        TimerOf = _ => StageDefinition.NoTimer,
        Create = () => new ContactLoginsStage(),
    };

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock) =>
        input is Contacts or ContactsBackfill ? _contacts[input].Decode(record) : _logins[input - 2].Decode(record);

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        if (input is Contacts or ContactsBackfill)
            OnContact(_contacts[input], context);
        else
            OnLogin(_logins[input - 2], backfill: input == LoginsBackfill, context);
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context) =>
        throw new InvalidOperationException("This stage sets no timers.");

    private void OnContact(CrmContactEvent contact, ITaskContext context)
    {
        ContactState state = Load(contact.Contact.Span, context);
        if (state.Status != ContactState.Standing.Unknown && contact.At < state.At)
        {
            context.Count(0);
            return;
        }

        state.At = contact.At;
        ContactState.Standing before = state.Status;
        state.Status = contact.Deleted ? ContactState.Standing.Deleted : ContactState.Standing.Known;
        bool changed = before != state.Status;
        if (!contact.Deleted)
        {
            changed |= !contact.Email.Span.SequenceEqual(state.Email) || !contact.Name.Span.SequenceEqual(state.Name);
            state.Email = contact.Email.Span.ToArray();
            state.Name = contact.Name.Span.ToArray();
        }

        if (changed && (state.Status == ContactState.Standing.Known || before == ContactState.Standing.Known))
        {
            foreach (ContactState.Login login in state.Logins)
                Emit(contact.Contact.Span, state, login, context);
        }

        Save(contact.Contact.Span, state, context);
    }

    private void OnLogin(CrmLoginEvent login, bool backfill, ITaskContext context)
    {
        ContactState state = Load(login.Contact.Span, context);
        ContactState.Login? kept = state.Logins.Find(l => login.Device.Span.SequenceEqual(l.Device) && login.Business.Span.SequenceEqual(l.Business));
        ContactState.Login entry = new()
        {
            Device = login.Device.Span.ToArray(),
            Business = login.Business.Span.ToArray(),
            Venue = login.Venue.Span.ToArray(),
            At = login.At,
            Backfill = backfill,
        };
        if (kept is not null && (login.At < kept.At || (login.At == kept.At && backfill && !kept.Backfill)))
        {
            context.Count(0);
            if (login.At < kept.At && state.Status == ContactState.Standing.Known)
                Emit(login.Contact.Span, state, entry, context);
            return;
        }

        if (kept is not null)
            state.Logins.Remove(kept);
        state.Logins.Add(entry);
        if (state.Logins.Count > ContactState.LoginsMax)
            state.Logins.Remove(state.Logins.MinBy(l => l.At)!);
        if (state.Status == ContactState.Standing.Known)
            Emit(login.Contact.Span, state, entry, context);
        Save(login.Contact.Span, state, context);
    }

    private void Emit(ReadOnlySpan<byte> contact, ContactState state, ContactState.Login login, ITaskContext context)
    {
        var json = _json.Begin();
        json.WriteString("device"u8, login.Device);
        json.WriteString("business"u8, login.Business);
        json.WriteString("venue"u8, login.Venue);
        json.WriteString("contact"u8, contact);
        json.WriteString("email"u8, state.Email);
        if (state.Name.Length > 0)
            json.WriteString("name"u8, state.Name);
        json.WriteNumber("at"u8, login.At);
        if (login.Backfill)
            json.WriteBoolean("backfill"u8, true);
        if (state.Status == ContactState.Standing.Deleted)
            json.WriteBoolean("deleted"u8, true);
        context.Emit(0, login.Device, _json.End(), login.At);
    }

    private static ContactState Load(ReadOnlySpan<byte> contact, ITaskContext context) =>
        context.TryGet(contact, out ReadOnlySpan<byte> value) ? ContactState.Read(value) : new ContactState();

    private void Save(ReadOnlySpan<byte> contact, ContactState state, ITaskContext context)
    {
        state.Write(_writer);
        context.Put(contact, _writer.Written);
    }
}
