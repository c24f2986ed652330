using System.Text.Json;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// Joins logins with their contacts: whichever side changes, the joined logins are emitted anew, by device. A login
/// before its contact waits. Last write wins by event time, so that backfills run beside the live topics; an equal time
/// replaces.
/// <list type="bullet">
/// <item>A login that came by both live and backfill topics, in whichever order, is a live one: the backfill only
/// repeats it.</item>
/// <item>A login older than the one kept for its device and business is emitted, as it may be a sighting, and not
/// kept.</item>
/// <item>When a contact is deleted its e-mail and name are forgotten; its logins stay, without being emitted, for the
/// case that it comes back.</item>
/// </list>
/// </summary>
public sealed class ContactLoginsStage : IStage
{
    private const int Contacts = 0;
    private const int ContactsBackfill = 1;
    private const int LoginsBackfill = 3;

    private const int Outdated = 0;
    private const int Evicted = 1;

    private readonly CrmContactEvent[] _contacts = [new(), new()];
    private readonly CrmLoginEvent[] _logins = [new(), new()];
    private readonly ContactState _state = new();
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
        Counters = ["outdated", "evicted"],
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

    private void OnContact(CrmContactEvent given, ITaskContext context)
    {
        ReadOnlySpan<byte> contact = given.Contact.Span;
        Load(contact, context);
        if (_state.Status != ContactState.Standing.Unknown && given.At < _state.At)
        {
            context.Count(Outdated);
            return;
        }

        bool wasKnown = _state.Status == ContactState.Standing.Known;
        _state.At = given.At;
        if (given.Deleted)
        {
            if (wasKnown)
                EmitAll(contact, deleted: true, context);
            _state.Status = ContactState.Standing.Deleted;
            _state.Email = _state.Name = default;
        }
        else if (!wasKnown || !_state.Texts.Is(_state.Email, given.Email.Span) || !_state.Texts.Is(_state.Name, given.Name.Span))
        {
            _state.Status = ContactState.Standing.Known;
            _state.Email = _state.Texts.Add(given.Email.Span);
            _state.Name = _state.Texts.Add(given.Name.Span);
            EmitAll(contact, deleted: false, context);
        }

        Save(contact, context);
    }

    private void OnLogin(CrmLoginEvent given, bool backfill, ITaskContext context)
    {
        ReadOnlySpan<byte> contact = given.Contact.Span;
        Load(contact, context);
        int kept = _state.Find(given.Device.Span, given.Business.Span);
        long keptAt = kept >= 0 ? _state.Logins[kept].At : long.MinValue;
        bool isOlder = given.At < keptAt;
        bool isRepeated = given.At == keptAt && backfill && !_state.Logins[kept].Backfill;
        if (isOlder || isRepeated)
            context.Count(Outdated);
        if (isRepeated)
            return;

        ContactState.Login login = new(
            _state.Texts.Add(given.Device.Span),
            _state.Texts.Add(given.Business.Span),
            _state.Texts.Add(given.Venue.Span),
            given.At,
            backfill);
        if (_state.Status == ContactState.Standing.Known)
            Emit(contact, login, deleted: false, context);
        if (isOlder)
            return;
        if (kept >= 0)
            _state.Logins.RemoveAt(kept);
        if (_state.Add(login))
            context.Count(Evicted);
        Save(contact, context);
    }

    private void EmitAll(ReadOnlySpan<byte> contact, bool deleted, ITaskContext context)
    {
        foreach (ContactState.Login login in _state.Logins)
            Emit(contact, login, deleted, context);
    }

    private void Emit(ReadOnlySpan<byte> contact, in ContactState.Login login, bool deleted, ITaskContext context)
    {
        ReadOnlySpan<byte> device = _state.Texts[login.Device];
        Utf8JsonWriter json = _json.Begin();
        json.WriteString("device"u8, device);
        json.WriteString("business"u8, _state.Texts[login.Business]);
        json.WriteString("venue"u8, _state.Texts[login.Venue]);
        json.WriteString("contact"u8, contact);
        json.WriteString("email"u8, _state.Texts[_state.Email]);
        if (_state.Name.Length > 0)
            json.WriteString("name"u8, _state.Texts[_state.Name]);
        json.WriteNumber("at"u8, login.At);
        if (login.Backfill)
            json.WriteBoolean("backfill"u8, true);
        if (deleted)
            json.WriteBoolean("deleted"u8, true);
        context.Emit(0, device, _json.End(), login.At);
    }

    private void Load(ReadOnlySpan<byte> contact, ITaskContext context)
    {
        context.TryGet(contact, out ReadOnlySpan<byte> value);
        _state.Load(value);
    }

    private void Save(ReadOnlySpan<byte> contact, ITaskContext context)
    {
        _state.Write(_writer);
        context.Put(contact, _writer.Written);
    }
}
