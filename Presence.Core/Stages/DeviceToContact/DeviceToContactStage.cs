using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Stages.DeviceToContact;

/// <summary>
/// Keeps a device's contact per business and emits the whole map when it has changed, null when nothing is left: the
/// topic is compacted by device, so each record must carry everything. Last write wins by the login's time, an equal
/// time replaces. When the contact of the latest login is deleted the business has no contact: an older login of
/// somebody else does not come back.
/// </summary>
public sealed class DeviceToContactStage : IStage
{
    private readonly DeviceLoginEvent _login = new();
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
        Counters = ["outdated"],
        TimerOf = _ => StageDefinition.NoTimer,
        Create = () => new DeviceToContactStage(),
    };

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock) => _login.Decode(record);

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        ReadOnlySpan<byte> device = _login.Device.Span;
        DeviceState state = context.TryGet(device, out ReadOnlySpan<byte> value) ? DeviceState.Read(value) : new DeviceState();
        DeviceState.Entry? entry = state.Entries.Find(e => _login.Business.Span.SequenceEqual(e.Business));
        if (entry is not null && _login.At < entry.At)
        {
            context.Count(0);
            return;
        }

        bool visible = entry is { Deleted: false };
        bool changed = visible == _login.Deleted
            || (visible && (entry!.At != _login.At
                || !_login.Contact.Span.SequenceEqual(entry.Contact)
                || !_login.Email.Span.SequenceEqual(entry.Email)
                || !_login.Name.Span.SequenceEqual(entry.Name)));
        if (entry is null)
        {
            entry = new DeviceState.Entry { Business = _login.Business.Span.ToArray() };
            state.Entries.Add(entry);
        }

        entry.Contact = _login.Contact.Span.ToArray();
        entry.Email = _login.Email.Span.ToArray();
        entry.Name = _login.Name.Span.ToArray();
        entry.At = _login.At;
        entry.Deleted = _login.Deleted;
        if (state.Entries.Count > DeviceState.BusinessesMax)
            state.Entries.Remove(state.Entries.MinBy(e => e.At)!);
        state.Write(_writer);
        context.Put(device, _writer.Written);
        if (changed)
            Emit(device, state, context);
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context) =>
        throw new InvalidOperationException("This stage sets no timers.");

    private void Emit(ReadOnlySpan<byte> device, DeviceState state, ITaskContext context)
    {
        if (state.Entries.TrueForAll(e => e.Deleted))
        {
            context.EmitTombstone(0, device, _login.At);
            return;
        }

        var json = _json.Begin();
        json.WriteString("device"u8, device);
        json.WriteStartObject("businesses"u8);
        foreach (DeviceState.Entry entry in state.Entries)
        {
            if (entry.Deleted)
                continue;
            json.WriteStartObject(entry.Business);
            json.WriteString("contact"u8, entry.Contact);
            json.WriteString("email"u8, entry.Email);
            if (entry.Name.Length > 0)
                json.WriteString("name"u8, entry.Name);
            json.WriteNumber("at"u8, entry.At);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        context.Emit(0, device, _json.End(), _login.At);
    }
}
