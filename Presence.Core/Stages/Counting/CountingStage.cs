using Presence.Core.Events;
using Presence.Core.Log;
using Presence.Core.Stages.Enrichment;
using Presence.Core.Stages.WalkIn;

namespace Presence.Core.Stages.Counting;

/// <summary>
/// Counts enriched walk-ins per business and contact: one that is at least Rearm away from every counted one (a phone
/// and a laptop are one visit). lastVisit and lastAt are those of the latest counted walk-in. A count never falls, and
/// is emitted when it rises.
/// </summary>
public sealed class CountingStage : IStage
{
    private readonly long _rearm;
    private readonly long _keep;
    private readonly EnrichedWalkInEvent _walkIn = new();
    private readonly JsonValueWriter _json = new();
    private readonly StateWriter _writer = new();
    private readonly byte[] _key = new byte[(2 * Utf8Text.IdBytesMax) + 1];

    private CountingStage(long rearm, long keep)
    {
        _rearm = rearm;
        _keep = keep;
    }

    /// <summary>The stage for the runtime.</summary>
    public static StageDefinition Define(TopicNames topics, WalkInCountOptions options, EnrichedWalkInOptions enrichment, WalkInOptions walkIn) => new()
    {
        Name = "walk-in-count",
        Service = ServiceNames.WalkInCount,
        Inputs = [topics.EnrichedWalkIns],
        ClockInputs = [0],
        Outputs = [topics.WalkInCounts],
        Counters = ["within_rearm", "within_base"],
        TimerOf = _ => StageDefinition.NoTimer,
        Create = () => new CountingStage(
            (long)options.Rearm.TotalMilliseconds,
            (long)(options.Rearm + enrichment.LoginWait + walkIn.LateGrace).TotalMilliseconds),
    };

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock) => _walkIn.Decode(record);

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        _walkIn.Business.Span.CopyTo(_key);
        _key[_walkIn.Business.Length] = (byte)'|';
        _walkIn.Contact.Span.CopyTo(_key.AsSpan(_walkIn.Business.Length + 1));
        ReadOnlySpan<byte> key = _key.AsSpan(0, _walkIn.Business.Length + 1 + _walkIn.Contact.Length);
        CountState state = context.TryGet(key, out ReadOnlySpan<byte> value) ? CountState.Read(value) : new CountState();

        if (state.BaseAsOf != long.MinValue && _walkIn.FirstSeen <= state.BaseAsOf)
        {
            context.Count(1);
            return;
        }

        foreach (long time in state.Times)
        {
            if (Math.Abs(time - _walkIn.At) < _rearm)
            {
                context.Count(0);
                return;
            }
        }

        state.Count++;
        if (_walkIn.At >= state.LastAt)
        {
            state.LastAt = _walkIn.At;
            state.LastVisit = _walkIn.Visit.Span.ToArray();
        }

        state.Times.Add(_walkIn.At);
        state.Times.RemoveAll(t => t < state.LastAt - _keep);
        if (state.Times.Count > CountState.TimesMax)
            state.Times.RemoveAt(0);
        state.Write(_writer);
        context.Put(key, _writer.Written);
        Emit(key, state, context);
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context) =>
        throw new InvalidOperationException("This stage sets no timers.");

    private void Emit(ReadOnlySpan<byte> key, CountState state, ITaskContext context)
    {
        var json = _json.Begin();
        json.WriteString("business"u8, _walkIn.Business.Span);
        json.WriteString("contact"u8, _walkIn.Contact.Span);
        json.WriteNumber("count"u8, state.Count);
        json.WriteString("lastVisit"u8, state.LastVisit);
        json.WriteNumber("lastAt"u8, state.LastAt);
        context.Emit(0, key, _json.End(), _walkIn.At);
    }
}
