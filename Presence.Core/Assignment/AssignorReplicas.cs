namespace Presence.Core.Assignment;

/// <summary>Where the standbys of each task are.</summary>
internal static class AssignorReplicas
{
    /// <summary>
    /// Chooses so many for each task: in racks of their own where there are any; those that follow now before others; of
    /// others those with the furthest copy. One that follows and is caught up stays until there are enough that are.
    /// </summary>
    public static void Choose(AssignorTable table, int wanted, List<string> reasons)
    {
        foreach (AssignorTask task in table.Tasks)
        {
            if (task.Owner < 0)
                continue;
            List<int> following = [.. task.Current.Where(c => c.Role is ReplicaRole.Standby or ReplicaRole.Warming && MayFollow(table, task, c.Member)).Select(c => c.Member)];
            // Whoever waits for its turn to run it follows it too, but is none of these.
            int others = table.AbleOf(task).Count - (table.CanRun(task.Owner, task) ? 1 : 0) - (task.Target >= 0 ? 1 : 0);
            int count = Math.Min(wanted, others);
            List<int> chosen = [];
            Pick(table, task, chosen, count, [.. following.OrderBy(m => !table.IsReady(task, m)).ThenBy(m => table.Total(m)).ThenBy(m => m)], conform: true);
            Fill(table, task, chosen, count, conform: true);
            Pick(table, task, chosen, count, following, conform: false);
            Fill(table, task, chosen, count, conform: false);
            int ready = chosen.Count(m => table.IsReady(task, m));
            foreach (int extra in following)
            {
                if (ready >= count || chosen.Contains(extra) || !table.IsReady(task, extra))
                    continue;
                chosen.Add(extra);
                ready++;
            }

            foreach (int member in chosen)
            {
                table.AddStandby(task, member);
                if (!task.Follows(member))
                    reasons.Add($"{task.Id} gets a replica on {table.NameOf(member)}");
            }

            foreach (int member in following)
            {
                if (!chosen.Contains(member))
                    reasons.Add($"{task.Id} loses its replica on {table.NameOf(member)}: there are others");
            }
        }
    }

    private static void Pick(AssignorTable table, AssignorTask task, List<int> chosen, int count, List<int> from, bool conform)
    {
        foreach (int member in from)
        {
            if (chosen.Count < count && !chosen.Contains(member) && (!conform || IsConform(table, task, chosen, member)))
                chosen.Add(member);
        }
    }

    private static void Fill(AssignorTable table, AssignorTask task, List<int> chosen, int count, bool conform)
    {
        if (chosen.Count >= count)
            return;
        Pick(table, task, chosen, count, [.. task.Copies.Where(c => MayFollow(table, task, c.Member)).OrderByDescending(c => c.Offset).ThenBy(c => c.Member).Select(c => c.Member)], conform);
        if (chosen.Count >= count)
            return;
        if (conform && chosen.Count + 1 >= table.RacksOf(task))
            return;
        foreach (int member in table.ByTotal(task))
        {
            if (!MayFollow(table, task, member) || chosen.Contains(member) || (conform && !IsConform(table, task, chosen, member)))
                continue;
            chosen.Add(member);
            if (chosen.Count == count)
                return;
        }
    }

    private static bool MayFollow(AssignorTable table, AssignorTask task, int member) => member != task.Owner && member != task.Target && table.CanRun(member, task);

    private static bool IsConform(AssignorTable table, AssignorTask task, List<int> chosen, int member) =>
        !table.SameRack(member, task.Target >= 0 ? task.Target : task.Owner) && !chosen.Exists(c => table.SameRack(c, member));
}
