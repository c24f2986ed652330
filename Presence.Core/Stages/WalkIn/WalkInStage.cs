using Presence.Core.Events;
using Presence.Core.Log;

namespace Presence.Core.Stages.WalkIn;

/// <summary>
/// Walk-in detection, one sighting at a time; the meaning is defined over whole sets of sightings (docs/walk-ins.md) and
/// tested against that. State per (business, venue, device), key <c>business|venue|device</c>.
/// A run is kept as long as a sighting that is not late could still touch it, since one that comes out of order may
/// lengthen it, join it to another, or make it present.
/// </summary>
public sealed class WalkInStage : IStage
{
    private const int Probes = 0;
    private const int WalkIns = 0;
    private const int VisitsEnded = 1;
    private const long AheadMax = 120_000;
    private const int DaysBefore = 14;
    private const int StaffMilliseconds = 4 * 3_600_000;
    private const int StaffDays = 4;
    private const int EquipmentMilliseconds = 10 * 3_600_000;
    private const int EquipmentDays = 2;

    private readonly VenueParameters _defaults;
    private readonly Dictionary<byte[], VenueParameters>.AlternateLookup<ReadOnlySpan<byte>> _venues;
    private readonly bool _anyVenue;
    private readonly ProbeEvent _probe = new();
    private readonly DeviceLoginEvent _login = new();
    private readonly VisitState _state = new();
    private readonly VisitState _days = new();
    private readonly WalkInWriter _writer = new();
    private readonly byte[] _key = new byte[(3 * Utf8Text.IdBytesMax) + 2];
    private readonly byte[] _encoded = new byte[VisitStateCodec.LengthMax];
    private long _probeAt;
    private long _loginAt;

    /// <summary>With the parameters of the venues that differ, by <c>business|venue</c>.</summary>
    internal WalkInStage(VenueParameters defaults, Dictionary<byte[], VenueParameters> venues)
    {
        _defaults = defaults;
        _venues = venues.GetAlternateLookup<ReadOnlySpan<byte>>();
        _anyVenue = venues.Count > 0;
    }

    /// <inheritdoc/>
    public Decoded Decode(int input, in LogRecord record, long wallClock)
    {
        // What claims to lie in the future is clamped before it is put in order, or it would hold up what is behind it.
        Decoded decoded = input == Probes ? _probe.Decode(record) : _login.Decode(record);
        if (!decoded.IsGood)
            return decoded;
        if (input != Probes)
        {
            _loginAt = Math.Min(_login.At, wallClock + AheadMax);
            return Decoded.At(_loginAt, movesClock: false);
        }

        _probeAt = Math.Min(_probe.At, wallClock + AheadMax);
        return Decoded.At(_probeAt);
    }

    /// <inheritdoc/>
    public void Process(int input, ITaskContext context)
    {
        if (input == Probes)
        {
            ReadOnlySpan<byte> key = Key(_probe.Business.Span, _probe.Venue.Span, _probe.Device.Span, out int venueLength);
            Sight(key, venueLength, _probeAt, _probe.Rssi, _probe.Randomized, login: false, context);
        }
        else if (!_login.Backfill && !_login.Deleted)
        {
            ReadOnlySpan<byte> key = Key(_login.Business.Span, _login.Venue.Span, _login.Device.Span, out int venueLength);
            Sight(key, venueLength, _loginAt, rssi: 0, randomized: false, login: true, context);
        }
    }

    /// <inheritdoc/>
    public void OnTimer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ITaskContext context)
    {
        VisitStateCodec.Read(value, _state);
        int venueLength = key.LastIndexOf((byte)'|');
        VenueParameters parameters = ParametersOf(key[..venueLength]);
        Settle(key, parameters, context);
        Save(key, parameters, context, fired: true);
    }

    private void Sight(ReadOnlySpan<byte> key, int venueLength, long at, int rssi, bool randomized, bool login, ITaskContext context)
    {
        VenueParameters parameters = ParametersOf(key[..venueLength]);
        long streamTime = context.StreamTime(Probes);
        if (streamTime != long.MinValue && at < streamTime - parameters.LateGrace)
        {
            context.Count(login ? WalkInStageDefinition.LateLogin : WalkInStageDefinition.Late);
            return;
        }

        if (randomized && parameters.RandomizedMacs == RandomizedMacs.Exclude)
        {
            context.Count(WalkInStageDefinition.Randomized);
            return;
        }

        if (rssi < parameters.ExitRssi)
            return;

        if (context.TryGet(key, out ReadOnlySpan<byte> value))
            VisitStateCodec.Read(value, _state);
        else
            _state.Clear();
        Settle(key, parameters, context);

        int index = RunOf(key, at, parameters, context);
        Run run = _state.Runs[index];
        run.Add(at, rssi, login, parameters.EntryRssi, parameters.MinSightings);
        run.Randomized |= randomized;
        if (!run.Present && PresentAt(run, at, login, parameters) is long presentAt)
            BecomePresent(key, venueLength, index, presentAt, parameters, context);
        if (run is { Emitted: true, Ended: false } && (run.Last - run.EmittedFirst >= parameters.MaxVisit || context.Clock > OverAt(run, parameters)))
            EndVisit(key, run, context);
        while (_state.RunsCount > VisitState.RunsMax)
            CloseRun(key, 0, parameters, context);
        Save(key, parameters, context, fired: false);
    }

    // The run a sighting belongs to, after joining those it lies between; or a new one.
    private int RunOf(ReadOnlySpan<byte> key, long at, VenueParameters parameters, ITaskContext context)
    {
        int index = 0;
        while (index < _state.RunsCount && _state.Runs[index].Last + parameters.SessionGap < at)
            index++;
        if (index == _state.RunsCount || at < _state.Runs[index].First - parameters.SessionGap)
        {
            _state.InsertRun(index).Begin(at);
            return index;
        }

        if (index + 1 < _state.RunsCount && at >= _state.Runs[index + 1].First - parameters.SessionGap)
        {
            Run earlier = _state.Runs[index];
            Run later = _state.Runs[index + 1];
            if (earlier is { Emitted: true, Ended: false } && later is { Emitted: true, Ended: false })
                EndVisit(key, earlier, context);
            earlier.Merge(later, parameters.MinSightings);
            _state.RemoveRun(index + 1);
        }

        return index;
    }

    // When it is present with this sighting, since when; ordered by time that is the sighting itself.
    private static long? PresentAt(Run run, long at, bool login, VenueParameters parameters)
    {
        if (login)
            return at;
        if (run.FirstLogin != Run.Never)
            return run.FirstLogin;
        if (run.FirstStrong == Run.Never || !run.Counted)
            return null;
        long from = run.FirstStrong + parameters.MinDwell;
        return at >= from ? at : run.Last >= from ? run.Last : null;
    }

    private void BecomePresent(ReadOnlySpan<byte> key, int venueLength, int index, long at, VenueParameters parameters, ITaskContext context)
    {
        Run run = _state.Runs[index];
        run.Present = true;
        long before = _state.LastVisit;
        // A login read long before the probes of its visit was a walk-in; what comes before it then must not be another.
        bool outAlready = false;
        for (int i = 0; i < _state.RunsCount; i++)
        {
            Run other = _state.Runs[i];
            if (i != index && other.Present && other.First < run.First)
                before = Math.Max(before, other.Last);
            outAlready |= other.Emitted && other.First > run.First && other.First - run.Last < parameters.Rearm;
        }

        if (outAlready || (before != VisitState.Never && run.First - before < parameters.Rearm))
        {
            context.Count(WalkInStageDefinition.Returned);
            return;
        }

        ReadOnlySpan<byte> device = key[(venueLength + 1)..];
        if (parameters.IsExcluded.Contains(device))
        {
            context.Count(WalkInStageDefinition.Excluded);
            return;
        }

        if (IsPermanent(at, parameters, out int reason))
        {
            context.Count(reason);
            return;
        }

        run.Emitted = true;
        run.EmittedFirst = run.First;
        context.Emit(WalkIns, device, _writer.WalkIn(key, run, at), at);
    }

    // Staff: more than 4 h on at least 4 of the 14 days before; equipment: more than 10 h on at least 2.
    private bool IsPermanent(long at, VenueParameters parameters, out int reason)
    {
        // Visits that could still change count as they are; so does the present one, which may have begun before today.
        _days.Clear();
        for (int i = 0; i < _state.DaysCount; i++)
            _days.AddPresence(_state.Days[i], _state.DayPresence[i]);
        for (int i = 0; i < _state.RunsCount; i++)
        {
            if (_state.Runs[i].Present)
                SpreadOverDays(_state.Runs[i], parameters, _days);
        }

        int today = LocalDays.Of(at, parameters.TimeZone);
        int staff = 0, equipment = 0;
        for (int i = 0; i < _days.DaysCount; i++)
        {
            if (_days.Days[i] < today - DaysBefore || _days.Days[i] >= today)
                continue;
            if (_days.DayPresence[i] > StaffMilliseconds)
                staff++;
            if (_days.DayPresence[i] > EquipmentMilliseconds)
                equipment++;
        }

        reason = equipment >= EquipmentDays ? WalkInStageDefinition.Equipment : WalkInStageDefinition.Staff;
        return staff >= StaffDays || equipment >= EquipmentDays;
    }

    // Ends what the clock has passed, and puts away what no sighting can touch any more.
    private void Settle(ReadOnlySpan<byte> key, VenueParameters parameters, ITaskContext context)
    {
        long clock = context.Clock;
        long streamTime = context.StreamTime(Probes);
        for (int i = 0; i < _state.RunsCount;)
        {
            Run run = _state.Runs[i];
            long over = OverAt(run, parameters);
            if (clock > over && !run.Ended)
            {
                if (run.Emitted)
                    EndVisit(key, run, context);
                run.Ended = run.Present;
            }

            if (streamTime > over)
                CloseRun(key, i, parameters, context);
            else
                i++;
        }
    }

    private void CloseRun(ReadOnlySpan<byte> key, int index, VenueParameters parameters, ITaskContext context)
    {
        Run run = _state.Runs[index];
        if (run is { Emitted: true, Ended: false })
            EndVisit(key, run, context);
        if (run.Present)
        {
            _state.LastVisit = Math.Max(_state.LastVisit, run.Last);
            SpreadOverDays(run, parameters, _state);
        }

        _state.RemoveRun(index);
    }

    private static void SpreadOverDays(Run run, VenueParameters parameters, VisitState target)
    {
        long from = run.First;
        while (from < run.Last)
        {
            int day = LocalDays.Of(from, parameters.TimeZone);
            long until = Math.Min(run.Last, LocalDays.MidnightAfter(from, day, parameters.TimeZone));
            target.AddPresence(day, until - from);
            from = until;
        }
    }

    private void Save(ReadOnlySpan<byte> key, VenueParameters parameters, ITaskContext context, bool fired)
    {
        long streamTime = context.StreamTime(Probes);
        long horizon = streamTime == long.MinValue ? long.MinValue : streamTime - parameters.LateGrace;
        ForgetDays(horizon);
        // A run that began within Rearm may still become a return, however long it goes on.
        if (_state.LastVisit != VisitState.Never && horizon >= _state.LastVisit + parameters.Rearm && (_state.RunsCount == 0 || _state.Runs[0].First - _state.LastVisit >= parameters.Rearm))
            _state.LastVisit = VisitState.Never;
        if (_state.RunsCount == 0 && _state.DaysCount == 0 && _state.LastVisit == VisitState.Never)
        {
            context.Delete(key);
            return;
        }

        long due = long.MaxValue;
        for (int i = 0; i < _state.RunsCount; i++)
            due = Math.Min(due, OverAt(_state.Runs[i], parameters) + 1);
        if (_state.LastVisit != VisitState.Never)
            due = Math.Min(due, _state.LastVisit + parameters.Rearm + parameters.LateGrace);
        if (_state.DaysCount > 0)
            due = Math.Min(due, ForgottenAt(0) + parameters.LateGrace);

        // One lazy timer: an earlier one stays, and looks again when it fires. What waits for stream time while the
        // clock of an idle task runs on looks again one gap later.
        if (fired || due < _state.Timer)
            _state.Timer = due > context.Clock ? due : context.Clock + parameters.SessionGap;
        context.Put(key, _encoded.AsSpan(0, VisitStateCodec.Write(_state, _encoded)));
    }

    // A day matters for 14 days when it counts, else until it is over (and what could still be added to it is in).
    private void ForgetDays(long horizon)
    {
        for (int i = _state.DaysCount - 1; i >= 0; i--)
        {
            if (horizon >= ForgottenAt(i) && _state.RunsCount == 0)
                _state.RemoveDay(i);
        }
    }

    private long ForgottenAt(int index) =>
        (_state.Days[index] + (_state.DayPresence[index] > StaffMilliseconds ? DaysBefore + 3L : 3L)) * LocalDays.DayMilliseconds;

    private VenueParameters ParametersOf(ReadOnlySpan<byte> venue) =>
        _anyVenue && _venues.TryGetValue(venue, out VenueParameters? parameters) ? parameters : _defaults;

    private ReadOnlySpan<byte> Key(ReadOnlySpan<byte> business, ReadOnlySpan<byte> venue, ReadOnlySpan<byte> device, out int venueLength)
    {
        business.CopyTo(_key);
        _key[business.Length] = (byte)'|';
        venue.CopyTo(_key.AsSpan(business.Length + 1));
        venueLength = business.Length + 1 + venue.Length;
        _key[venueLength] = (byte)'|';
        device.CopyTo(_key.AsSpan(venueLength + 1));
        return _key.AsSpan(0, venueLength + 1 + device.Length);
    }

    private void EndVisit(ReadOnlySpan<byte> key, Run run, ITaskContext context)
    {
        run.Ended = true;
        context.Emit(VisitsEnded, WalkInWriter.Device(key), _writer.VisitEnded(key, run), run.Last);
    }

    // A clock beyond this has seen the run's end, a stream time beyond it any sighting that could still touch the run.
    private static long OverAt(Run run, VenueParameters parameters) => run.Last + parameters.SessionGap + parameters.LateGrace;
}
