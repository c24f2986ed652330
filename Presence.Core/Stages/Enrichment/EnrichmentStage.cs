using System.Text.Json;
using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages.WalkIn;

namespace Presence.Core.Stages.Enrichment;

/// <summary>
/// Gives a walk-in the contact of the latest login of its device and business whose time is no later than the walk-in's
/// plus LoginWait: at once where one is known, otherwise when the first arrives, until the task's clock has passed
/// LoginWait and LateGrace. One enriched walk-in per visit.
/// <list type="bullet">
/// <item>A device's map says what is true now. A login that is later than the map's one, or whose business is not in it,
/// is of a contact that was deleted, and matches nothing from then on. Of a contact that is deleted after another one
/// replaced it the maps say nothing: its login matches until it is pruned.</item>
/// <item>A visit that is out is remembered as long as a walk-in of its time, or one that is enriched now, could
/// wait.</item>
/// <item>A walk-in waits a minute of wall-clock time at least, however far the clock is.</item>
/// </list>
/// </summary>
public sealed class EnrichmentStage : IStage
{
    private const int WalkIns = 0;

    private const int Expired = 0;
    private const int Repeated = 1;
    private const int Evicted = 2;

    // Logins come from tasks of another key, each at its own place: while a backlog is worked off, one of them can be
    // hours of event time ahead of another, and the clock with it. So nothing is given up within this wall-clock time. Such
    // a clock passes hours in a second: what waits is looked at again when it is twice as late as before.
    private const long WaitMin = 60_000;
    private const long LookAgainMin = 600_000;
    private const long LookAgainMax = 86_400_000;

    private readonly long _loginWait;
    private readonly long _keep;
    private readonly WalkInEvent _walkIn = new();
    private readonly DeviceToContactEvent _map = new();
    private readonly EnrichmentState _state = new();
    private readonly JsonValueWriter _json = new();
    private readonly StateWriter _writer = new();
    private readonly byte[] _key = new byte[RecordKeys.PairBytesMax];

    private EnrichmentStage(long loginWait, long lateGrace)
    {
        _loginWait = loginWait;
        _keep = loginWait + lateGrace;
    }

    /// <summary>The stage for the runtime.</summary>
    public static StageDefinition Define(TopicNames topics, EnrichedWalkInOptions options, WalkInOptions walkIn)
    {
        long loginWait = (long)options.LoginWait.TotalMilliseconds, lateGrace = (long)walkIn.LateGrace.TotalMilliseconds;
        return new StageDefinition
        {
            Name = "enriched-walk-in",
            Service = ServiceNames.EnrichedWalkIn,
            Inputs = [topics.WalkIns, topics.DeviceToContact],
            ClockInputs = [0, 1],
            Outputs = [topics.EnrichedWalkIns],
            Counters = ["expired", "repeated", "evicted"],
            TimerOf = EnrichmentState.TimerOf,
            Create = () => new EnrichmentStage(loginWait, lateGrace),
        };
    }

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock) => input == WalkIns ? _walkIn.Decode(record) : _map.Decode(record);

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        ReadOnlySpan<byte> device = input == WalkIns ? _walkIn.Device.Span : _map.Device.Span;
        context.TryGet(device, out ReadOnlySpan<byte> value);
        _state.Load(value);
        Prune(context);
        if (input == WalkIns)
            OnWalkIn(device, context);
        else
            OnMap(device, context);
        Save(device, context);
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context)
    {
        _state.Load(value);
        Prune(context);
        Save(key, context);
    }

    private void OnWalkIn(ReadOnlySpan<byte> device, ITaskContext context)
    {
        if (_state.Knows(_walkIn.Visit.Span))
        {
            context.Count(Repeated);
            return;
        }

        EnrichmentState.WalkIn walkIn = new(
            _state.Texts.Add(_walkIn.Visit.Span),
            _state.Texts.Add(_walkIn.Business.Span),
            _state.Texts.Add(_walkIn.Venue.Span),
            _walkIn.At,
            _walkIn.FirstSeen,
            context.WallClock);
        if (TryEnrich(device, walkIn, context))
            return;

        if (_state.Waiting.Count == EnrichmentState.WaitingMax)
        {
            _state.Waiting.RemoveAt(0);
            context.Count(Evicted);
        }

        _state.Waiting.Add(walkIn);
    }

    private void OnMap(ReadOnlySpan<byte> device, ITaskContext context)
    {
        // What the map contradicts is of deleted contacts.
        for (int i = _state.Mappings.Count - 1; i >= 0; i--)
        {
            DeviceToContactEvent.Mapping? given = InMap(_state.Texts[_state.Mappings[i].Business]);
            if (given is null || _state.Mappings[i].At > given.At || (_state.Mappings[i].At == given.At && !_state.Texts.Is(_state.Mappings[i].Contact, given.Contact.Span)))
                _state.Mappings.RemoveAt(i);
        }

        for (int i = 0; i < _map.Count; i++)
            Take(_map[i]);
        _state.TrimHistory();
        for (int i = 0; i < _state.Waiting.Count;)
        {
            if (TryEnrich(device, _state.Waiting[i], context))
                _state.Waiting.RemoveAt(i);
            else
                i++;
        }
    }

    private void Take(DeviceToContactEvent.Mapping given)
    {
        // What is left of the business is the given login itself, or earlier ones.
        int inForce = _state.InForceFor(given.Business.Span);
        if (inForce >= 0 && _state.Mappings[inForce].At < given.At)
            _state.Mappings[inForce] = _state.Mappings[inForce] with { ReplacedAt = given.At };

        bool isKnown = false;
        for (int i = 0; i < _state.Mappings.Count; i++)
        {
            EnrichmentState.Mapping mapping = _state.Mappings[i];
            if (!_state.Texts.Is(mapping.Contact, given.Contact.Span) || !_state.Texts.Is(mapping.Business, given.Business.Span))
                continue;

            // Its earlier logins are of the same contact: e-mail and name as they are now.
            if (!_state.Texts.Is(mapping.Email, given.Email.Span) || !_state.Texts.Is(mapping.Name, given.Name.Span))
                mapping = mapping with { Email = _state.Texts.Add(given.Email.Span), Name = _state.Texts.Add(given.Name.Span) };
            if (mapping.At == given.At)
            {
                isKnown = true;
                mapping = mapping with { ReplacedAt = EnrichmentState.InForce };
            }

            _state.Mappings[i] = mapping;
        }

        if (isKnown)
            return;
        _state.Mappings.Add(new EnrichmentState.Mapping(
            _state.Texts.Add(given.Business.Span),
            _state.Texts.Add(given.Contact.Span),
            _state.Texts.Add(given.Email.Span),
            _state.Texts.Add(given.Name.Span),
            given.At,
            EnrichmentState.InForce));
    }

    private DeviceToContactEvent.Mapping? InMap(ReadOnlySpan<byte> business)
    {
        for (int i = 0; i < _map.Count; i++)
        {
            if (_map[i].Business.Span.SequenceEqual(business))
                return _map[i];
        }

        return null;
    }

    private bool TryEnrich(ReadOnlySpan<byte> device, in EnrichmentState.WalkIn walkIn, ITaskContext context)
    {
        int latest = -1;
        for (int i = 0; i < _state.Mappings.Count; i++)
        {
            if (_state.Mappings[i].At <= walkIn.At + _loginWait
                && (latest < 0 || _state.Mappings[i].At > _state.Mappings[latest].At)
                && _state.Texts.Is(_state.Mappings[i].Business, _state.Texts[walkIn.Business]))
            {
                latest = i;
            }
        }

        if (latest < 0)
            return false;
        Emit(device, walkIn, _state.Mappings[latest], context);
        if (_state.Finished.Count == EnrichmentState.DoneMax)
        {
            _state.Finished.RemoveAt(0);
            context.Count(Evicted);
        }

        _state.Finished.Add(new EnrichmentState.Done(walkIn.Visit, Math.Max(walkIn.At, context.Clock) + _keep));
        return true;
    }

    private void Emit(ReadOnlySpan<byte> device, in EnrichmentState.WalkIn walkIn, in EnrichmentState.Mapping mapping, ITaskContext context)
    {
        ReadOnlySpan<byte> business = _state.Texts[walkIn.Business], contact = _state.Texts[mapping.Contact];
        Utf8JsonWriter json = _json.Begin();
        json.WriteString("visit"u8, _state.Texts[walkIn.Visit]);
        json.WriteString("business"u8, business);
        json.WriteString("venue"u8, _state.Texts[walkIn.Venue]);
        json.WriteString("contact"u8, contact);
        json.WriteString("email"u8, _state.Texts[mapping.Email]);
        if (mapping.Name.Length > 0)
            json.WriteString("name"u8, _state.Texts[mapping.Name]);
        json.WriteString("device"u8, device);
        json.WriteNumber("at"u8, walkIn.At);
        json.WriteNumber("firstSeen"u8, walkIn.FirstSeen);
        context.Emit(0, RecordKeys.WritePair(_key, business, contact), _json.End(), walkIn.At);
    }

    private void Prune(ITaskContext context)
    {
        long clock = context.Clock;
        for (int i = _state.Waiting.Count - 1; i >= 0; i--)
        {
            if (clock <= _state.Waiting[i].At + _keep || context.WallClock - _state.Waiting[i].Since < WaitMin)
                continue;
            _state.Waiting.RemoveAt(i);
            context.Count(Expired);
        }

        for (int i = _state.Finished.Count - 1; i >= 0; i--)
        {
            if (clock > _state.Finished[i].Until)
                _state.Finished.RemoveAt(i);
        }

        for (int i = _state.Mappings.Count - 1; i >= 0; i--)
        {
            if (_state.Mappings[i].ReplacedAt != EnrichmentState.InForce && clock > _state.Mappings[i].ReplacedAt + _keep)
                _state.Mappings.RemoveAt(i);
        }
    }

    private void Save(ReadOnlySpan<byte> device, ITaskContext context)
    {
        if (_state.IsEmpty)
        {
            context.Delete(device);
            return;
        }

        // The first moment of the clock at which something goes.
        long timer = StageDefinition.NoTimer;
        foreach (EnrichmentState.WalkIn walkIn in _state.Waiting)
        {
            long until = walkIn.At + _keep;
            timer = Math.Min(timer, context.Clock <= until ? until + 1 : context.Clock + Math.Clamp(context.Clock - until, LookAgainMin, LookAgainMax));
        }

        foreach (EnrichmentState.Done done in _state.Finished)
            timer = Math.Min(timer, done.Until + 1);
        foreach (EnrichmentState.Mapping mapping in _state.Mappings)
        {
            if (mapping.ReplacedAt != EnrichmentState.InForce)
                timer = Math.Min(timer, mapping.ReplacedAt + _keep + 1);
        }

        // An older login that comes late may have replaced one long ago.
        _state.Write(_writer, Math.Max(timer, context.Clock + 1));
        context.Put(device, _writer.Written);
    }
}
