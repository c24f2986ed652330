namespace Presence.Core.Runtime;

/// <summary>The clocks of the inputs, and of the task: they move with records, and run on while it is idle.</summary>
public sealed partial class StreamTask
{
    // The clock of an idle task that has timers: whoever takes it over goes on from the committed one.
    private bool HasClockRunOn
    {
        get
        {
            foreach (int index in _clockInputs)
            {
                long clock = Inputs[index].Clock, committed = _committed.Clocks[index];
                if (clock != long.MinValue && (committed == long.MinValue || clock - committed >= ClockLag))
                    return _store.TimersInMemory > 0;
            }

            return false;
        }
    }

    private void MoveClock(TaskInput input, long eventTime)
    {
        if (eventTime > input.StreamTime)
            input.StreamTime = eventTime;
        if (eventTime > input.Clock)
        {
            input.Clock = eventTime;
            UpdateClock();
        }
    }

    private void UpdateClock()
    {
        long slowest = long.MaxValue;
        foreach (int index in _clockInputs)
            slowest = Math.Min(slowest, Inputs[index].Clock);

        if (slowest > _clock)
            _clock = slowest;
    }

    /// <summary>
    /// The clock of an input runs on at the wall clock's pace between two answers of the log that there is nothing
    /// more; while the log cannot be reached it stands.
    /// </summary>
    private void AddIdleTime()
    {
        foreach (TaskInput input in Inputs)
        {
            if (!IsConfirmedIdle(input))
                return;
        }

        bool moved = false;
        foreach (int index in _clockInputs)
        {
            TaskInput input = Inputs[index];
            long confirmed = input.KnownEnd.At;
            if (confirmed <= input.ClockedAt)
                continue;
            if (input.Clock == long.MinValue)
            {
                // An input that never had a record has no clock, and would hold the others' timers for ever: when it
                // has stayed silent, it goes with the slowest of them.
                if (input.ClockedAt == 0)
                    input.ClockedAt = confirmed;
                if (confirmed - input.ClockedAt < SilentInputWait || SlowestKnownClock() is not { } clock)
                    continue;
                input.Clock = clock;
                moved = true;
            }
            else if (input.ClockedAt > 0)
            {
                input.Clock += confirmed - input.ClockedAt;
                moved = true;
            }

            input.ClockedAt = confirmed;
        }

        if (moved)
            UpdateClock();
    }

    private long? SlowestKnownClock()
    {
        long? slowest = null;
        foreach (int index in _clockInputs)
        {
            long clock = Inputs[index].Clock;
            if (clock != long.MinValue && clock < (slowest ?? long.MaxValue))
                slowest = clock;
        }

        return slowest;
    }

    /// <summary>Idle time counts from now on.</summary>
    public void StartClocks(long wallClock)
    {
        Array.Fill(_clockedAt, wallClock);
        foreach (TaskInput input in Inputs)
            input.ClockedAt = wallClock;
    }

    private static bool IsConfirmedIdle(TaskInput input)
    {
        (long end, long at) = input.KnownEnd;
        return at >= 0 && input.IsEmptyAtEnd && end <= input.EndPosition;
    }

    private void LoadClocks()
    {
        for (int i = 0; i < Inputs.Length; i++)
        {
            Inputs[i].ClockedAt = _clockedAt[i];
            Inputs[i].StreamTime = _committed.StreamTimes[i];
            Inputs[i].Clock = _committed.Clocks[i];
        }

        _clock = long.MinValue;
        UpdateClock();
    }
}
