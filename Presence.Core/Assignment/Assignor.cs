using Presence.Core.Runtime;

namespace Presence.Core.Assignment;

/// <summary>
/// Who runs what: a pure function; the same input in any order gives the same plan. In this order: every task has an
/// owner that has its stage; owners are where caught-up state is; standbys are on other members, in other racks where
/// there are any; load within one task of even, reached only by warming a replica first; least movement.
/// A running task never changes hands at once: its holder is told to release it, and only when that is confirmed (the
/// caller takes the Releasing entry away) does the next plan give it to the one that is warm.
/// </summary>
public static class Assignor
{
    private const int ReasonsMax = 50;

    /// <summary>A plan for the present state of things.</summary>
    public static AssignorResult Assign(AssignorInput input)
    {
        AssignorTable table = new(input);
        List<string> reasons = [];
        KeepOwners(table, reasons);
        GiveOwnerless(table, reasons);
        Balance(table, input.WarmingMax, reasons);
        AssignorReplicas.Choose(table, input.StandbyReplicas, reasons);
        if (reasons.Count > ReasonsMax)
            reasons = [.. reasons.Take(ReasonsMax), $"and {reasons.Count - ReasonsMax} changes more"];
        return new AssignorResult(table.ToPlacements(), reasons);
    }

    private static void KeepOwners(AssignorTable table, List<string> reasons)
    {
        foreach (AssignorTask task in table.Tasks)
        {
            foreach ((int member, ReplicaRole role, int worker) in task.Current)
            {
                if (role == ReplicaRole.Releasing || (role == ReplicaRole.Active && !table.CanRun(member, task)))
                {
                    task.Owner = member;
                    task.OwnerWorker = worker;
                    task.IsReleasing = true;
                    if (role == ReplicaRole.Active)
                        reasons.Add($"{task.Id} leaves {table.NameOf(member)}: it does not run {task.Id.Stage} any more");
                }
                else if (role == ReplicaRole.Active)
                {
                    table.SetOwner(task, member, worker);
                }
            }

            // What is on its way counts where it goes.
            if (task.IsReleasing && task.Current.FindIndex(c => c.Role == ReplicaRole.Warming && table.CanRun(c.Member, task)) is int next and >= 0)
                table.SetTarget(task, task.Current[next].Member);
        }
    }

    // Those with the fewest good choices first, so that the others can even it out.
    private static void GiveOwnerless(AssignorTable table, List<string> reasons)
    {
        List<(AssignorTask Task, List<int> Choices, int Furthest)> ownerless = [];
        foreach (AssignorTask task in table.Tasks)
        {
            if (task.Owner >= 0 || table.AbleOf(task).Count == 0)
                continue;
            List<int> caughtUp = [.. task.Copies.Where(c => table.IsCaughtUp(task, c.Offset)).Select(c => c.Member)];
            ownerless.Add((task, caughtUp, task.Copies.Count(c => c.Offset == task.Furthest)));
        }

        foreach ((AssignorTask task, List<int> choices, _) in ownerless.OrderBy(o => o.Choices.Count == 0 ? int.MaxValue : o.Furthest).ThenBy(o => o.Choices.Count))
        {
            int chosen = choices.Count == 0 ? table.LeastLoaded(task) : choices[0];
            foreach (int choice in choices)
            {
                if (table.IsBetterOwner(task, choice, chosen))
                    chosen = choice;
            }

            table.SetOwner(task, chosen, worker: -1);
            long behind = task.Furthest - table.OffsetOf(task, chosen);
            reasons.Add(choices.Count == 0
                ? $"{task.Id} goes to {table.NameOf(chosen)}: nobody has a copy of its state, and it has the fewest tasks"
                : behind == 0 ? $"{task.Id} goes to {table.NameOf(chosen)}: its copy there is caught up"
                : $"{task.Id} goes to {table.NameOf(chosen)}: its copy there is caught up but for {behind} changelog records");
        }
    }

    private static void Balance(AssignorTable table, int movesMax, List<string> reasons)
    {
        int moves = table.Tasks.Count(t => t.IsReleasing && t.Target >= 0);

        // What has begun to warm up goes on, while it is still of use.
        foreach (AssignorTask task in table.Tasks)
        {
            if (task.Owner < 0 || task.IsReleasing)
                continue;
            foreach ((int member, ReplicaRole role, _) in task.Current)
            {
                if (role != ReplicaRole.Warming || member == task.Owner || !table.CanRun(member, task) || table.Load(task.Owner) - table.Load(member) < 2)
                    continue;
                Move(table, task, member, reasons);
                moves++;
                break;
            }
        }

        HashSet<int> settled = [];
        while (moves < movesMax && table.MostLoaded(settled) is int from and >= 0)
        {
            if (FindMove(table, from) is not var (task, to))
            {
                settled.Add(from);
                continue;
            }

            Move(table, task, to, reasons);
            moves++;
        }
    }

    // To where it is warm, if that helps; else to the one that has least to do. Of the stage that is spread least evenly.
    private static (AssignorTask Task, int To)? FindMove(AssignorTable table, int from)
    {
        (AssignorTask Task, int To)? found = null;
        (int, int, int) best = (int.MaxValue, 0, 0);
        foreach (AssignorTask task in table.OwnedBy(from))
        {
            if (task.Target >= 0)
                continue;
            foreach ((int member, long offset) in task.Copies)
            {
                if (table.Load(from) - table.Load(member) < 2 || !table.CanRun(member, task))
                    continue;
                int copyRank = !table.IsCaughtUp(task, offset) ? 2 : table.IsReady(task, member) ? 0 : 1;
                // A copy that lags far behind is as good as none.
                if (copyRank == 2 && table.LeastLoaded(task) != member)
                    continue;
                Consider(task, member, copyRank);
            }

            int least = table.LeastLoaded(task);
            if (least >= 0 && table.Load(from) - table.Load(least) >= 2)
                Consider(task, least, 3);
        }

        return found;

        void Consider(AssignorTask task, int to, int newRank)
        {
            (int, int, int) rank = (newRank, table.StageLoad(to, task) - table.StageLoad(from, task), table.Load(to));
            if (rank.CompareTo(best) >= 0)
                return;
            (found, best) = ((task, to), rank);
        }
    }

    private static void Move(AssignorTable table, AssignorTask task, int to, List<string> reasons)
    {
        int from = task.Owner;
        string loads = $"{table.NameOf(from)} has {table.Load(from)} tasks, {table.NameOf(to)} {table.Load(to)}";
        table.SetTarget(task, to);
        if (table.IsReady(task, to))
        {
            task.IsReleasing = true;
            reasons.Add($"{task.Id} leaves {table.NameOf(from)} for {table.NameOf(to)}, where it is warm: {loads}");
        }
        else if (!task.Current.Exists(c => c.Member == to && c.Role == ReplicaRole.Warming))
        {
            reasons.Add($"{task.Id} warms up on {table.NameOf(to)}: {loads}");
        }
    }
}
