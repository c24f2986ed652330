namespace Presence.Core.Runtime;

/// <summary>What is shown of a task.</summary>
public sealed partial class StreamTask
{
    /// <summary>A snapshot; <paramref name="now"/> is the wall clock in ms.</summary>
    public TaskStatus Describe(int worker, long now)
    {
        long lag = 0, oldest = long.MaxValue;
        foreach (TaskInput input in Inputs)
        {
            long end = Math.Max(input.KnownEnd.Offset, input.EndPosition);
            if (end < 0 && input.Queue.Count == 0)
            {
                lag = -1;
                break;
            }

            long behind = Math.Max(end, input.FetchPosition) - input.NextOffset;
            lag += Math.Max(0, behind);
            if (behind > 0 && input.LastTimestamp >= 0)
                oldest = Math.Min(oldest, input.LastTimestamp);
        }

        double seconds = lag < 0 ? -1 : lag == 0 ? 0 : oldest == long.MaxValue ? -1 : Math.Max(0, (now - oldest) / 1000.0);
        State.StoreFigures figures = _store.Figures;
        return new TaskStatus(
            Id,
            "active",
            StopReason is null ? TaskState.Running : TaskState.Stopped,
            worker,
            StopReason ?? HeldReason() ?? WaitReason,
            lag,
            seconds,
            Clock,
            RestoredRecords,
            RestoreRemaining: 0,
            figures.Keys,
            // What is in memory is in the write-ahead log as well.
            figures.DiskBytes + figures.MemoryBytes)
        {
            Store = figures,
            WaitingRecords = Inputs.Max(i => i.Queue.Count),
            ChangelogOffset = _store.ChangelogOffset,
        };
    }

    private string? HeldReason() => Array.Find(Inputs, i => i.IsHeld) is { } held
        ? $"a transaction that does not end holds back {held.Partition} at offset {held.FetchPosition}; the log goes on to {held.KnownEnd.Offset}"
        : null;

    /// <summary>Changelog records its takeover replayed.</summary>
    public long RestoredRecords { get; init; }

    /// <summary>The last record of an input handled since the last commit; -1 none.</summary>
    public long LastFedOffset(int input) => Inputs[input].NextOffset > _committed.NextOffsets[input] ? Inputs[input].NextOffset - 1 : -1;
}
