using System.Text.Json;
using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// Keeps a device's contact per business and emits the whole map when it has changed, null when nothing is left: the
/// topic is compacted by device, so each record must carry everything. A business's contact is that of the latest login
/// among those of the contacts that are not deleted; of logins with an equal time the one that came last.
/// <para>
/// So a contact's deletion takes its own logins out and nothing else: where it was not the latest, nothing changes, and
/// where it was, the login before it counts again. The result does not depend on the order in which the contacts'
/// records come (each contact's own come in order), which it would if a deletion left a mark that hides others.
/// </para>
/// </summary>
public sealed class DeviceToContactStage : IStage
{
    private const int Outdated = 0;
    private const int Evicted = 1;

    private readonly DeviceLoginEvent _login = new();
    private readonly DeviceState _state = new();
    private readonly JsonValueWriter _json = new();
    private readonly StateWriter _writer = new();

    /// <summary>The stage for the runtime.</summary>
    public static StageDefinition Define(TopicNames topics) => new()
    {
        Name = "device-to-contact",
        Service = ServiceNames.DeviceToContact,
        Inputs = [topics.DeviceLogins],
        ClockInputs = [0],
        Outputs = [topics.DeviceToContact],
        CopartitionedOutputs = [topics.DeviceToContact],
        Counters = ["outdated", "evicted"],
        TimerOf = _ => StageDefinition.NoTimer,
        Create = () => new DeviceToContactStage(),
    };

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock) => _login.Decode(record);

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        ReadOnlySpan<byte> device = _login.Device.Span;
        context.TryGet(device, out ReadOnlySpan<byte> value);
        _state.Load(value);
        int kept = _state.Find(_login.Business.Span, _login.Contact.Span);
        if (kept >= 0 && _login.At < _state.Entries[kept].At)
        {
            context.Count(Outdated);
            return;
        }

        if (kept < 0 && _login.Deleted)
            return;
        bool changed = _login.Deleted ? Remove(kept) : Take(kept);
        for (int excess = _state.Excess(); excess >= 0; excess = _state.Excess())
        {
            changed |= _state.IsLatest(excess);
            _state.Remove(excess);
            context.Count(Evicted);
        }

        if (changed)
            Emit(device, context);
        if (_state.Entries.Count == 0)
        {
            context.Delete(device);
        }
        else
        {
            _state.Write(_writer);
            context.Put(device, _writer.Written);
        }
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context) =>
        throw new InvalidOperationException("This stage sets no timers.");

    private bool Remove(int kept)
    {
        bool wasLatest = _state.IsLatest(kept);
        _state.Remove(kept);
        return wasLatest;
    }

    // Whether the map has changed.
    private bool Take(int kept)
    {
        if (kept >= 0 && _login.At == _state.Entries[kept].At)
        {
            // The same login; at most its contact's data are others.
            DeviceState.Entry entry = _state.Entries[kept];
            if (_state.Texts.Is(entry.Email, _login.Email.Span) && _state.Texts.Is(entry.Name, _login.Name.Span))
                return false;
            _state.Rename(kept, _login.Email.Span, _login.Name.Span);
            return _state.IsLatest(kept);
        }

        if (kept >= 0)
            _state.Remove(kept);
        int index = _state.Insert(new DeviceState.Entry(
            _state.Texts.Add(_login.Business.Span),
            _state.Texts.Add(_login.Contact.Span),
            _state.Texts.Add(_login.Email.Span),
            _state.Texts.Add(_login.Name.Span),
            _login.At));
        return _state.IsLatest(index);
    }

    private void Emit(ReadOnlySpan<byte> device, ITaskContext context)
    {
        if (_state.Entries.Count == 0)
        {
            context.EmitTombstone(0, device, _login.At);
            return;
        }

        Utf8JsonWriter json = _json.Begin();
        json.WriteString("device"u8, device);
        json.WriteStartObject("businesses"u8);
        for (int i = 0; i < _state.Entries.Count; i++)
        {
            if (!_state.IsLatest(i))
                continue;
            DeviceState.Entry entry = _state.Entries[i];
            json.WriteStartObject(_state.Texts[entry.Business]);
            json.WriteString("contact"u8, _state.Texts[entry.Contact]);
            json.WriteString("email"u8, _state.Texts[entry.Email]);
            if (entry.Name.Length > 0)
                json.WriteString("name"u8, _state.Texts[entry.Name]);
            json.WriteNumber("at"u8, entry.At);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        context.Emit(0, device, _json.End(), _login.At);
    }
}
