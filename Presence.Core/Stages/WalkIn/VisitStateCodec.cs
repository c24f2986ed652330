using System.Buffers.Binary;

namespace Presence.Core.Stages.WalkIn;

/// <summary>
/// The stored form of <see cref="VisitState"/>, little endian:
/// <code>
/// version(1)=1 | timer(8) | lastVisit(8) | runs(1) | days(1)
/// per run: flags(1) maxRssi(1) first(8) last-first(8) firstStrong(8) firstLogin(8) emittedFirst(8) times(1) time(8)*
/// per day: day(4) presence(4, ms)
/// </code>
/// flags: 1 randomized, 2 present, 4 emitted, 8 ended, 16 counted.
/// </summary>
internal static class VisitStateCodec
{
    private const byte Version = 1;
    private const int Header = 19;
    private const int RunHeader = 43;
    private const int Day = 8;

    /// <summary>Largest encoding, bytes.</summary>
    public const int LengthMax = Header + ((VisitState.RunsMax + 1) * (RunHeader + ((Run.TimesMax + 1) * 8))) + ((VisitState.DaysMax + 1) * Day);

    /// <summary>The timer in an encoded value.</summary>
    public static long TimerOf(ReadOnlySpan<byte> value) => BinaryPrimitives.ReadInt64LittleEndian(value[1..]);

    /// <summary>Reads. Throws InvalidOperationException for bytes of another version.</summary>
    public static void Read(ReadOnlySpan<byte> source, VisitState state)
    {
        if (source[0] != Version)
            throw new InvalidOperationException($"A visit state has version {source[0]}; this Presence knows version {Version}.");
        state.Timer = BinaryPrimitives.ReadInt64LittleEndian(source[1..]);
        state.LastVisit = BinaryPrimitives.ReadInt64LittleEndian(source[9..]);
        state.RunsCount = source[17];
        state.DaysCount = source[18];
        source = source[Header..];
        for (int i = 0; i < state.RunsCount; i++)
        {
            Run run = state.Runs[i];
            byte flags = source[0];
            run.Randomized = (flags & 1) != 0;
            run.Present = (flags & 2) != 0;
            run.Emitted = (flags & 4) != 0;
            run.Ended = (flags & 8) != 0;
            run.Counted = (flags & 16) != 0;
            run.MaxRssi = (sbyte)source[1];
            run.First = BinaryPrimitives.ReadInt64LittleEndian(source[2..]);
            run.Last = run.First + BinaryPrimitives.ReadInt64LittleEndian(source[10..]);
            run.FirstStrong = BinaryPrimitives.ReadInt64LittleEndian(source[18..]);
            run.FirstLogin = BinaryPrimitives.ReadInt64LittleEndian(source[26..]);
            run.EmittedFirst = BinaryPrimitives.ReadInt64LittleEndian(source[34..]);
            run.TimesCount = source[42];
            source = source[RunHeader..];
            if (run.Times.Length < run.TimesCount)
                run.Times = new long[run.TimesCount * 2];
            for (int t = 0; t < run.TimesCount; t++, source = source[8..])
                run.Times[t] = BinaryPrimitives.ReadInt64LittleEndian(source);
        }

        for (int i = 0; i < state.DaysCount; i++, source = source[Day..])
        {
            state.Days[i] = BinaryPrimitives.ReadInt32LittleEndian(source);
            state.DayPresence[i] = BinaryPrimitives.ReadInt32LittleEndian(source[4..]);
        }
    }

    /// <summary>Writes; returns the length.</summary>
    public static int Write(VisitState state, Span<byte> destination)
    {
        Span<byte> at = destination;
        at[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(at[1..], state.Timer);
        BinaryPrimitives.WriteInt64LittleEndian(at[9..], state.LastVisit);
        at[17] = (byte)state.RunsCount;
        at[18] = (byte)state.DaysCount;
        at = at[Header..];
        for (int i = 0; i < state.RunsCount; i++)
        {
            Run run = state.Runs[i];
            at[0] = (byte)((run.Randomized ? 1 : 0) | (run.Present ? 2 : 0) | (run.Emitted ? 4 : 0) | (run.Ended ? 8 : 0) | (run.Counted ? 16 : 0));
            at[1] = (byte)run.MaxRssi;
            BinaryPrimitives.WriteInt64LittleEndian(at[2..], run.First);
            BinaryPrimitives.WriteInt64LittleEndian(at[10..], run.Last - run.First);
            BinaryPrimitives.WriteInt64LittleEndian(at[18..], run.FirstStrong);
            BinaryPrimitives.WriteInt64LittleEndian(at[26..], run.FirstLogin);
            BinaryPrimitives.WriteInt64LittleEndian(at[34..], run.EmittedFirst);
            at[42] = (byte)run.TimesCount;
            at = at[RunHeader..];
            for (int t = 0; t < run.TimesCount; t++, at = at[8..])
                BinaryPrimitives.WriteInt64LittleEndian(at, run.Times[t]);
        }

        for (int i = 0; i < state.DaysCount; i++, at = at[Day..])
        {
            BinaryPrimitives.WriteInt32LittleEndian(at, state.Days[i]);
            BinaryPrimitives.WriteInt32LittleEndian(at[4..], state.DayPresence[i]);
        }

        return destination.Length - at.Length;
    }
}
