using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages.WalkIn;

namespace Presence.Core.Stages.Enrichment;

/// <summary>
/// Gives a walk-in the contact of the latest login of its device and business whose time is no later than the walk-in's
/// plus LoginWait: at once where one is known, otherwise when the first arrives, until the task's clock has passed
/// LoginWait and LateGrace. One enriched walk-in per visit.
/// </summary>
public sealed class EnrichmentStage : IStage
{
    private const int WalkIns = 0;
    private const int Expired = 0;

    // Logins come from tasks of another key, each at its own place: while a backlog is worked off, one of them can be
    // hours of event time ahead of another, and the clock with it. So nothing is given up within this wall-clock time.
    private const long WaitMin = 60_000;
    private const long LookAgain = 600_000;

    private readonly long _loginWait;
    private readonly long _keep;
    private readonly WalkInEvent _walkIn = new();
    private readonly DeviceToContactEvent _map = new();
    private readonly JsonValueWriter _json = new();
    private readonly StateWriter _writer = new();
    private readonly byte[] _key = new byte[(2 * Utf8Text.IdBytesMax) + 1];

    private EnrichmentStage(long loginWait, long lateGrace)
    {
        _loginWait = loginWait;
        _keep = loginWait + lateGrace;
    }

    /// <summary>The stage for the runtime.</summary>
    public static StageDefinition Define(TopicNames topics, EnrichedWalkInOptions options, WalkInOptions walkIn) => new()
    {
        Name = "enriched-walk-in",
        Service = ServiceNames.EnrichedWalkIn,
        Inputs = [topics.WalkIns, topics.DeviceToContact],
        ClockInputs = [0, 1],
        Outputs = [topics.EnrichedWalkIns],
        Counters = ["expired", "repeated"],
        TimerOf = EnrichmentState.TimerOf,
        Create = () => new EnrichmentStage((long)options.LoginWait.TotalMilliseconds, (long)walkIn.LateGrace.TotalMilliseconds),
    };

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock) => input == WalkIns ? _walkIn.Decode(record) : _map.Decode(record);

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        ReadOnlySpan<byte> device = input == WalkIns ? _walkIn.Device.Span : _map.Device.Span;
        EnrichmentState state = context.TryGet(device, out ReadOnlySpan<byte> value) ? EnrichmentState.Read(value) : new EnrichmentState();
        Prune(state, context);
        if (input == WalkIns)
            OnWalkIn(device, state, context);
        else
            OnMap(device, state, context);
        Save(device, state, context);
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context)
    {
        EnrichmentState state = EnrichmentState.Read(value);
        Prune(state, context);
        Save(key, state, context);
    }

    private void OnWalkIn(ReadOnlySpan<byte> device, EnrichmentState state, ITaskContext context)
    {
        byte[] visit = _walkIn.Visit.Span.ToArray();
        if (state.Done.Exists(d => d.Visit.AsSpan().SequenceEqual(visit)) || state.Waiting.Exists(w => w.Visit.AsSpan().SequenceEqual(visit)))
        {
            context.Count(1);
            return;
        }

        EnrichmentState.WalkIn walkIn = new()
        {
            Visit = visit,
            Business = _walkIn.Business.Span.ToArray(),
            Venue = _walkIn.Venue.Span.ToArray(),
            At = _walkIn.At,
            FirstSeen = _walkIn.FirstSeen,
            Since = context.WallClock,
        };
        if (!TryEnrich(device, walkIn, state, context))
            Add(state.Waiting, walkIn);
    }

    private void OnMap(ReadOnlySpan<byte> device, EnrichmentState state, ITaskContext context)
    {
        // Gone from the map: its contact was deleted, and no login of it matches any more.
        foreach (EnrichmentState.Mapping gone in state.Mappings.FindAll(m => m.ReplacedAt == EnrichmentState.InForce && !IsInMap(m.Business)))
            state.Mappings.RemoveAll(m => m.Business.AsSpan().SequenceEqual(gone.Business) && m.Contact.AsSpan().SequenceEqual(gone.Contact));

        for (int i = 0; i < _map.Count; i++)
            Take(_map[i], state);
        for (int i = 0; i < state.Waiting.Count;)
        {
            if (TryEnrich(device, state.Waiting[i], state, context))
                state.Waiting.RemoveAt(i);
            else
                i++;
        }
    }

    private static void Take(DeviceToContactEvent.Mapping given, EnrichmentState state)
    {
        EnrichmentState.Mapping? inForce = state.Mappings.Find(m => m.ReplacedAt == EnrichmentState.InForce && given.Business.Span.SequenceEqual(m.Business));
        if (inForce is not null && (inForce.At != given.At || !given.Contact.Span.SequenceEqual(inForce.Contact)))
        {
            // A login of the same moment takes its place; an earlier one still counts for walk-ins before the new one.
            if (inForce.At == given.At)
                state.Mappings.Remove(inForce);
            else
                inForce.ReplacedAt = given.At;
            inForce = null;
        }

        if (inForce is null)
        {
            inForce = new EnrichmentState.Mapping { Business = given.Business.Span.ToArray(), Contact = given.Contact.Span.ToArray(), At = given.At };
            Add(state.Mappings, inForce);
        }

        inForce.Email = given.Email.Span.ToArray();
        inForce.Name = given.Name.Span.ToArray();
    }

    private bool IsInMap(byte[] business)
    {
        for (int i = 0; i < _map.Count; i++)
        {
            if (_map[i].Business.Span.SequenceEqual(business))
                return true;
        }

        return false;
    }

    private bool TryEnrich(ReadOnlySpan<byte> device, EnrichmentState.WalkIn walkIn, EnrichmentState state, ITaskContext context)
    {
        EnrichmentState.Mapping? latest = null;
        foreach (EnrichmentState.Mapping mapping in state.Mappings)
        {
            if (mapping.At <= walkIn.At + _loginWait && mapping.Business.AsSpan().SequenceEqual(walkIn.Business) && (latest is null || mapping.At > latest.At))
                latest = mapping;
        }

        if (latest is null)
            return false;
        var json = _json.Begin();
        json.WriteString("visit"u8, walkIn.Visit);
        json.WriteString("business"u8, walkIn.Business);
        json.WriteString("venue"u8, walkIn.Venue);
        json.WriteString("contact"u8, latest.Contact);
        json.WriteString("email"u8, latest.Email);
        if (latest.Name.Length > 0)
            json.WriteString("name"u8, latest.Name);
        json.WriteString("device"u8, device);
        json.WriteNumber("at"u8, walkIn.At);
        json.WriteNumber("firstSeen"u8, walkIn.FirstSeen);
        walkIn.Business.CopyTo(_key, 0);
        _key[walkIn.Business.Length] = (byte)'|';
        latest.Contact.CopyTo(_key, walkIn.Business.Length + 1);
        context.Emit(0, _key.AsSpan(0, walkIn.Business.Length + 1 + latest.Contact.Length), _json.End(), walkIn.At);
        Add(state.Done, (walkIn.Visit, walkIn.At));
        return true;
    }

    private void Prune(EnrichmentState state, ITaskContext context)
    {
        long clock = context.Clock;
        int waiting = state.Waiting.Count;
        state.Waiting.RemoveAll(w => clock > w.At + _keep && context.WallClock - w.Since >= WaitMin);
        for (int i = state.Waiting.Count; i < waiting; i++)
            context.Count(Expired);
        state.Done.RemoveAll(d => clock > d.At + _keep);
        state.Mappings.RemoveAll(m => m.ReplacedAt != EnrichmentState.InForce && clock > m.ReplacedAt + _keep);
    }

    private void Save(ReadOnlySpan<byte> device, EnrichmentState state, ITaskContext context)
    {
        if (state.IsEmpty)
        {
            context.Delete(device);
            return;
        }

        long due = StageDefinition.NoTimer;
        foreach (EnrichmentState.WalkIn walkIn in state.Waiting)
            due = Math.Min(due, walkIn.At + _keep < context.Clock ? context.Clock + LookAgain : walkIn.At + _keep + 1);
        foreach ((_, long at) in state.Done)
            due = Math.Min(due, at + _keep + 1);
        foreach (EnrichmentState.Mapping mapping in state.Mappings)
        {
            if (mapping.ReplacedAt != EnrichmentState.InForce)
                due = Math.Min(due, mapping.ReplacedAt + _keep + 1);
        }

        state.Timer = due;
        state.Write(_writer);
        context.Put(device, _writer.Written);
    }

    private static void Add<T>(List<T> list, T item)
    {
        if (list.Count == EnrichmentState.EntriesMax)
            list.RemoveAt(0);
        list.Add(item);
    }
}
