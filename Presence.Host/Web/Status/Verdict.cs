using System.Globalization;
using Presence.Core.Runtime;

namespace Presence.Host.Web.Status;

/// <summary>How the instance is, in one sentence, and what to do next.</summary>
/// <param name="Level"><c>well</c>, <c>busy</c> (passes by itself), <c>attention</c> (somebody has to act) or <c>down</c>.</param>
internal sealed record Verdict(string Level, string Sentence, string Next)
{
    /// <summary>Behind by more than this, while running, is worth a word.</summary>
    private const double LagSecondsOrdinary = 30;

    /// <summary>A loop that has not moved for longer is stuck.</summary>
    private const double ProgressSecondsMax = 30;

    /// <summary>An input that is being fetched: every task says so now and then.</summary>
    private const string OrdinaryWait = "it is not read to its end";

    private const string Nothing = "Nothing to do.";

    /// <summary>The worst that is true of it.</summary>
    public static Verdict Of(InstanceStatus status, IReadOnlyList<StatusTask> tasks, StatusTotals totals, double lastProgressSeconds)
    {
        string because = status.Reason is null ? "" : $": {Lower(status.Reason)}";
        switch (status.State)
        {
            case InstanceState.Failed:
                return new("down", $"This instance has given up{because}.", "Read its log from the first error on, mend the cause, and start it again; its state is kept.");
            case InstanceState.Stopped:
                return new("down", "This instance has stopped cleanly.", "Start it again when it is wanted.");
            case InstanceState.Stopping:
                return new("busy", "This instance is stopping: it commits what it has done and hands its tasks over.", "Wait; it ends by itself.");
            case InstanceState.Joining or InstanceState.Starting:
                return new("busy", $"Starting up{because}.", status.Reason is null ? "Wait; this takes seconds." : "Wait. If this sentence stays the same for a minute, check that the log can be reached and look at the process's log.");
        }

        StatusTask? stopped = tasks.FirstOrDefault(t => t.State == "stopped");
        if (stopped is not null)
        {
            string others = totals.Stopped > 1 ? $" and {totals.Stopped - 1} more" : "";
            return new("attention", $"{stopped.Id}{others} stands still: {Lower(stopped.Reason ?? "no reason given")}.", "It waits for a decision: mend the cause, then restart this instance. All other tasks go on.");
        }

        if (lastProgressSeconds > ProgressSecondsMax)
            return new("attention", $"A loop has not moved for {Span(lastProgressSeconds)}.", "Look for a slow disk or a process without processor time; if it does not move again, restart this instance.");
        if (totals.Restoring > 0)
        {
            string eta = totals.RestoreEtaSeconds is { } seconds ? $", about {Span(seconds)} left" : "";
            string records = totals.RestoreRemaining > 0 ? $" ({Number(totals.RestoreRemaining)} records to go{eta})" : "";
            return new("busy", $"Restoring {Count(totals.Restoring, "task")} of {totals.Tasks}{records}.", "Wait; restored tasks work already. Restarting it would only take longer.");
        }

        if (totals.Tasks == 0 && totals.Standbys > 0)
            return new("well", $"Standing by for {Count(totals.Standbys, "task")} that other instances run; {totals.StandbysReady} of the copies here are caught up.", Nothing);
        if (totals.Tasks == 0)
            return new("busy", $"Running, without tasks so far{because}.", "Wait for the plan. If it stays like this, there are more instances than tasks.");
        StatusTask? waiting = tasks.FirstOrDefault(t => t.Reason is not null && (t.LagSeconds > LagSecondsOrdinary || !t.Reason.EndsWith(OrdinaryWait, StringComparison.Ordinal)));
        if (waiting is not null)
            return new("attention", $"{waiting.Id} stands still: {Lower(waiting.Reason!)}.", "It goes on by itself as soon as what it waits for is there.");
        if (totals.LagSeconds > LagSecondsOrdinary)
            return new("busy", $"Catching up: {Number(totals.LagRecords ?? 0)} records behind, {Span(totals.LagSeconds.Value)} at most.", "Wait. If it grows for minutes, add workers or instances.");
        return new("well", "All is well.", Nothing);
    }

    private static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Span(double seconds) => seconds switch
    {
        < 90 => $"{Math.Max(1, Math.Round(seconds))} s",
        < 5400 => $"{Math.Round(seconds / 60)} min",
        _ => $"{Math.Round(seconds / 3600, 1).ToString(CultureInfo.InvariantCulture)} h",
    };

    // Reasons are sentences of their own; inside another they begin small, unless they begin with a name.
    private static string Lower(string reason)
    {
        reason = reason.TrimEnd('.', ' ');
        return reason.Length > 1 && char.IsUpper(reason[0]) && char.IsLower(reason[1]) && !reason.StartsWith("Kafka", StringComparison.Ordinal)
            ? char.ToLowerInvariant(reason[0]) + reason[1..]
            : reason;
    }
}
