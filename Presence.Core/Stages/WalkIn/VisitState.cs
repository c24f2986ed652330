namespace Presence.Core.Stages.WalkIn;

/// <summary>
/// What is known of one device at one venue: the runs that may still change, when its last visit ended, and how long it
/// was there on each of the last days. Bounded by <see cref="RunsMax"/> and <see cref="DaysMax"/>. One instance is read
/// into again and again.
/// </summary>
internal sealed class VisitState
{
    /// <summary>
    /// Runs kept. Probes alone need three (runs are more than SessionGap apart, and the window in which sightings are
    /// accepted is shorter than that); logins ahead of the probes can make more.
    /// </summary>
    public const int RunsMax = 8;

    /// <summary>Days kept: today and the 14 before.</summary>
    public const int DaysMax = 15;

    /// <summary>No visit before.</summary>
    public const long Never = long.MinValue;

    public readonly Run[] Runs = new Run[RunsMax + 1];
    public readonly int[] Days = new int[DaysMax + 1];
    public readonly int[] DayPresence = new int[DaysMax + 1];

    public VisitState()
    {
        for (int i = 0; i < Runs.Length; i++)
            Runs[i] = new Run();
    }

    public int RunsCount { get; set; }

    public int DaysCount { get; set; }

    /// <summary>The key's timer, ms.</summary>
    public long Timer { get; set; }

    /// <summary>Largest lastSeen of the visits that are over.</summary>
    public long LastVisit { get; set; }

    /// <summary>Nothing known.</summary>
    public void Clear()
    {
        RunsCount = DaysCount = 0;
        Timer = StageDefinition.NoTimer;
        LastVisit = Never;
    }

    public void RemoveRun(int index)
    {
        Run removed = Runs[index];
        for (int i = index; i < RunsCount - 1; i++)
            Runs[i] = Runs[i + 1];
        Runs[--RunsCount] = removed;
    }

    /// <summary>Makes room at an index and returns the run to fill.</summary>
    public Run InsertRun(int index)
    {
        Run inserted = Runs[RunsCount++];
        for (int i = RunsCount - 1; i > index; i--)
            Runs[i] = Runs[i - 1];
        return Runs[index] = inserted;
    }

    /// <summary>Adds presence to a day (days since 1970-01-01, local).</summary>
    public void AddPresence(int day, long milliseconds)
    {
        int index = 0;
        while (index < DaysCount && Days[index] < day)
            index++;
        if (index == DaysCount || Days[index] != day)
        {
            for (int i = DaysCount; i > index; i--)
            {
                Days[i] = Days[i - 1];
                DayPresence[i] = DayPresence[i - 1];
            }

            Days[index] = day;
            DayPresence[index] = 0;
            DaysCount++;
        }

        DayPresence[index] = (int)Math.Min(int.MaxValue, DayPresence[index] + milliseconds);
        if (DaysCount > DaysMax)
            RemoveDay(0);
    }

    public void RemoveDay(int index)
    {
        for (int i = index; i < DaysCount - 1; i++)
        {
            Days[i] = Days[i + 1];
            DayPresence[i] = DayPresence[i + 1];
        }

        DaysCount--;
    }
}
