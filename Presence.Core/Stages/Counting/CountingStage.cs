using System.Text.Json;
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
    private const int WithinRearm = 0;
    private const int WithinBase = 1;

    private readonly long _rearm;
    private readonly long _keep;
    private readonly EnrichedWalkInEvent _walkIn = new();
    private readonly CountState _state = new();
    private readonly JsonValueWriter _json = new();
    private readonly StateWriter _writer = new();
    private readonly byte[] _key = new byte[RecordKeys.PairBytesMax];

    private CountingStage(long rearm, long keep)
    {
        _rearm = rearm;
        _keep = keep;
    }

    /// <summary>The stage for the runtime.</summary>
    public static StageDefinition Define(TopicNames topics, WalkInCountOptions options, EnrichedWalkInOptions enrichment, WalkInOptions walkIn)
    {
        long rearm = (long)options.Rearm.TotalMilliseconds;
        long keep = (long)(options.Rearm + enrichment.LoginWait + walkIn.LateGrace).TotalMilliseconds;
        return new StageDefinition
        {
            Name = "walk-in-count",
            Service = ServiceNames.WalkInCount,
            Inputs = [topics.EnrichedWalkIns],
            ClockInputs = [0],
            Outputs = [topics.WalkInCounts],
            Counters = ["within_rearm", "within_base"],
            TimerOf = _ => StageDefinition.NoTimer,
            Create = () => new CountingStage(rearm, keep),
        };
    }

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock) => _walkIn.Decode(record);

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        ReadOnlySpan<byte> key = RecordKeys.WritePair(_key, _walkIn.Business.Span, _walkIn.Contact.Span);
        context.TryGet(key, out ReadOnlySpan<byte> value);
        _state.Load(value);

        if (_state.BaseAsOf != long.MinValue && _walkIn.FirstSeen <= _state.BaseAsOf)
        {
            context.Count(WithinBase);
            return;
        }

        foreach (long time in _state.Times)
        {
            if (Math.Abs(time - _walkIn.At) < _rearm)
            {
                context.Count(WithinRearm);
                return;
            }
        }

        _state.Count++;
        if (_walkIn.At >= _state.LastAt)
        {
            _state.LastAt = _walkIn.At;
            _state.LastVisit = _state.Texts.Add(_walkIn.Visit.Span);
        }

        _state.AddTime(_walkIn.At, from: _state.LastAt - _keep);
        _state.Write(_writer);
        context.Put(key, _writer.Written);
        Emit(key, context);
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context) =>
        throw new InvalidOperationException("This stage sets no timers.");

    private void Emit(ReadOnlySpan<byte> key, ITaskContext context)
    {
        Utf8JsonWriter json = _json.Begin();
        json.WriteString("business"u8, _walkIn.Business.Span);
        json.WriteString("contact"u8, _walkIn.Contact.Span);
        json.WriteNumber("count"u8, _state.Count);
        json.WriteString("lastVisit"u8, _state.Texts[_state.LastVisit]);
        json.WriteNumber("lastAt"u8, _state.LastAt);
        context.Emit(0, key, _json.End(), _walkIn.At);
    }
}
