using System.Diagnostics;
using System.Globalization;
using Presence.Core.Assignment;
using Presence.Core.Runtime;

namespace Presence.Benchmarks;

/// <summary>Plans for large fleets: how long one takes, and how much moves when an instance leaves or joins.</summary>
internal static class Assign
{
    private const long Offset = 1_000_000;

    private sealed class Fleet(int tasks, int standbys)
    {
        private readonly TaskId[] _tasks = [.. Enumerable.Range(0, tasks).Select(i => new TaskId($"stage-{i % 5}", i / 5))];
        private readonly HashSet<string> _stages = [.. Enumerable.Range(0, 5).Select(i => $"stage-{i}")];
        private List<Placement> _current = [];
        private int _joined;

        public List<FleetMember> Members { get; } = [];

        public TimeSpan Slowest { get; private set; }

        public void Join() => Members.Add(new FleetMember($"x{_joined:0000}", $"i{_joined++:0000}", $"rack-{_joined % 3}", _stages, 4, new Dictionary<TaskId, long>(), new HashSet<TaskId>()));

        public void Leave(int index)
        {
            _current.RemoveAll(p => p.Incarnation == Members[index].Incarnation);
            Members.RemoveAt(index);
        }

        /// <summary>Plans, and does what they say, until nothing changes. Returns plans, tasks that changed hands, replicas made.</summary>
        public (int Plans, int Moved, int Made) Settle()
        {
            int plans = 0, moved = 0, made = 0;
            Slowest = TimeSpan.Zero;
            while (true)
            {
                Dictionary<TaskId, string> owners = _current.Where(p => p.Role == ReplicaRole.Active).ToDictionary(p => p.Task, p => p.Incarnation);
                HashSet<(TaskId, string)> copies = [.. _current.Select(p => (p.Task, p.Incarnation))];
                long began = Stopwatch.GetTimestamp();
                AssignorResult plan = Assignor.Assign(new AssignorInput(_tasks, Members, _current, standbys, 32, 10_000));
                TimeSpan took = Stopwatch.GetElapsedTime(began);
                Slowest = took > Slowest ? took : Slowest;
                if (plan.Reasons.Count == 0)
                    return (plans, moved, made);
                plans++;
                moved += plan.Placements.Count(p => p.Role == ReplicaRole.Active && (!owners.TryGetValue(p.Task, out string? owner) || owner != p.Incarnation));
                made += plan.Placements.Count(p => p.Role is ReplicaRole.Standby or ReplicaRole.Warming && !copies.Contains((p.Task, p.Incarnation)));
                _current = [.. plan.Placements.Where(p => p.Role != ReplicaRole.Releasing)];
                Dictionary<string, FleetMember> members = Members.ToDictionary(m => m.Incarnation);
                foreach (Placement placement in _current)
                {
                    ((Dictionary<TaskId, long>)members[placement.Incarnation].Copies)[placement.Task] = Offset;
                    ((HashSet<TaskId>)members[placement.Incarnation].Ready).Add(placement.Task);
                }
            }
        }
    }

    /// <summary>Prints a table.</summary>
    public static int Run(int tasks, int members)
    {
        Console.WriteLine($"{"members",8} {"tasks",8}  {"what",-28} {"plans",6} {"moved",6} {"replicas",9} {"slowest plan, ms",17}");
        foreach (int size in new[] { 10, 30, 100, 300 }.Where(s => s < members).Append(members))
        {
            int count = size == members ? tasks : size * 10;
            Fleet fleet = new(count, standbys: 1);
            for (int i = 0; i < size; i++)
                fleet.Join();
            Report(size, count, "the first plan", fleet);
            fleet.Leave(size / 2);
            Report(size - 1, count, "one leaves", fleet);
            fleet.Join();
            Report(size, count, "one joins", fleet);
        }

        return 0;
    }

    private static void Report(int members, int tasks, string what, Fleet fleet)
    {
        (int plans, int moved, int made) = fleet.Settle();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{members,8} {tasks,8}  {what,-28} {plans,6} {moved,6} {made,9} {fleet.Slowest.TotalMilliseconds,17:0}"));
    }
}
